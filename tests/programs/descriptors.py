# Descriptors, bound methods, properties, modules, namespaces, and what the types behind them offer.
def t(f):
    try: print(repr(f()))
    except BaseException as e: print(type(e).__name__, e)
import types
t(lambda: [].append()); t(lambda: list.append()); t(lambda: list.append(1)); t(lambda: list.append([],x=1)); t(lambda: [].append(x=1))
t(lambda: int.__add__()); t(lambda: int.__add__('a',1)); t(lambda: int.__add__(1)); t(lambda: (1).__add__(1,2)); t(lambda: (1).__add__(x=1))
t(lambda: dict.__dict__['fromkeys']); t(lambda: dict.__dict__['fromkeys']()); t(lambda: dict.__dict__['fromkeys'](1));t(lambda: dict.__dict__['fromkeys'](int));
t(lambda: [].clear(1)); t(lambda: list.clear([],1)); t(lambda: type.__dict__['__dict__'].__get__(1)); t(lambda: int.real.__get__('a')); t(lambda: int.real.__set__(1,1)); t(lambda: int.real); t(lambda: type.__dict__['__mro__']); t(lambda: int.__add__); t(lambda: list.append)
t(lambda: int.__add__.__get__('x'));  t(lambda: list.append.__get__('x')); t(lambda: list.append.__get__(None, None)); t(lambda: int.__pow__(1)); t(lambda: int.__repr__(1,2))
t(lambda: len.__self__); t(lambda: len.__module__); t(lambda: [].append.__self__);t(lambda: [].append.__qualname__);t(lambda: dict.fromkeys.__qualname__)
t(lambda: hash([].append)==0); t(lambda: int.__new__.__self__); t(lambda: [].__len__.__reduce__())
t(lambda: types.MappingProxyType(1)); t(lambda: types.MappingProxyType()); t(lambda: types.MappingProxyType({}).get()); t(lambda: hash(types.MappingProxyType({}))); m=types.MappingProxyType({1:2}); t(lambda: m|{3:4}); t(lambda: m.__ior__({})); t(lambda:types.MappingProxyType([])); t(lambda: m|3); t(lambda: types.MappingProxyType({}, 1)); t(lambda: types.MappingProxyType(mapping={})); t(lambda: m.keys(1)); t(lambda: str(m)); t(lambda: m[3])
class A: pass
t(lambda: super(1)); t(lambda: super(1,2)); t(lambda: super(A,1)); t(lambda: super(A,A(),3)); t(lambda: super()); t(lambda: super(x=1)); t(lambda: super(A)); t(lambda: super(A,A()))
M=types.MethodType
t(lambda: M()); t(lambda: M(1,2)); t(lambda: M(len,None)); t(lambda: M(len,[1])()); t(lambda: M(len,[1])); t(lambda: M(len,x=1)); t(lambda: M(A,3)); 
class C:
    def f(self): 'doc'
t(lambda: C().f.nope); t(lambda: C().f.__doc__); 
P=property
t(lambda: P(1,2,3,4,5)); t(lambda: P(x=1)); t(lambda: P().__get__(1)); t(lambda: P().__set__(1,2)); t(lambda: P().__delete__(1)); t(lambda: P().__set_name__(1)); t(lambda: P().getter())
class D:
    x=property(); 
t(lambda: D().x)
def f(): D().x=1
t(f)
def f(): del D().x
t(f)
p=P(); p.__set_name__(D,'q'); t(lambda: p.__get__(1)); p.__set_name__(D,3);t(lambda: p.__get__(1));
t(lambda: classmethod()); t(lambda: classmethod(1,2)); t(lambda: classmethod(x=1)); t(lambda: classmethod(len)); t(lambda: list(vars(classmethod(len))))
def g(a:int): 'd'
g.zz=1
t(lambda: vars(classmethod(g))); t(lambda: vars(staticmethod(g))); t(lambda: staticmethod(g)(1)); t(lambda: classmethod(g).__get__(None)); t(lambda: classmethod(3).__get__(None,A)); t(lambda: staticmethod(3).__get__(None)); t(lambda: staticmethod(3)()); t(lambda: classmethod.__new__(classmethod).__get__(1)); t(lambda: classmethod.__new__(classmethod)); t(lambda: staticmethod.__new__(staticmethod).__get__(1)) 
S=types.SimpleNamespace
t(lambda: S(1)); t(lambda: S(a=1,b='x')); t(lambda: S(**{'a b':1})); t(lambda: S(a=1)==S(a=1)); t(lambda: S()<3); t(lambda: S(a=1)<S(a=1)); t(lambda: hash(S())); t(lambda: S(a=1).__reduce__())
class SS(S): pass
t(lambda: SS(a=1)); s=S(); s.s=s; t(lambda: s); t(lambda: S(**{'':1}))
MM=types.ModuleType
t(lambda: MM()); t(lambda: MM(1)); t(lambda: MM('a','b','c')); t(lambda: MM('a').__dict__); t(lambda: MM('a').x); t(lambda: MM('a','d').__doc__); t(lambda: MM('a')); t(lambda: MM.__new__(MM)); t(lambda: MM.__new__(MM).x); t(lambda: dir(MM.__new__(MM))); t(lambda: MM('a').__annotations__)
m=MM('a'); m.__dict__['__getattr__']=lambda n: n.upper(); t(lambda: m.foo); m.__dict__['__getattr__']=3; t(lambda: m.foo)
m=MM('a'); m.__spec__=S(_initializing=True); t(lambda: m.foo); m.__spec__=S(_uninitialized_submodules=['foo']); t(lambda: m.foo); m.__name__=3; t(lambda: m.foo)
def f(): del m.__annotations__
t(f); m.__annotations__=3; t(lambda: m.__annotations__); t(f); t(f)
def f(): m.__dict__=3
t(f)
t(lambda: MM('a').x)
t(lambda: MM(name='a', doc=3).__doc__)
t(lambda: dir(m)[:2])
m.__dict__['__dir__']=lambda:[3]
t(lambda: dir(m))
class MS(MM): pass
t(lambda: MS('a').__dict__)
t(lambda: MS('a'))
for T in (object, type, property, classmethod, staticmethod, super, types.MethodType, S, types.GenericAlias, types.UnionType, MM, types.MappingProxyType, type(len), type(int.__add__), type((1).__add__), type(list.append), type(dict.__dict__['fromkeys']), type(int.real), type(type.__dict__['__mro__']), type(None), type(...), type(NotImplemented)):
    print(T.__name__, sorted(T.__dict__), T.__module__, T.__basicsize__, T.__itemsize__, T.__dictoffset__, T.__weakrefoffset__, T.__base__, hex(T.__flags__ & ~(1<<19)), T.__text_signature__)
    for k in sorted(T.__dict__):
        v = T.__dict__[k]
        print('  ', k, type(v).__name__, getattr(v,'__text_signature__',None))
