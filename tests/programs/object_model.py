# Classes and instances: special methods that come and go, metaclasses, MRO, slots, attributes, error messages.
def t(f):
    try: print(repr(f()))
    except BaseException as e: print(type(e).__name__, e)
# slot updates
class A: pass
a=A()
t(lambda: len(a)); A.__len__=lambda s: 3; t(lambda: len(a)); t(lambda: bool(a)); A.__len__=lambda s: 0; t(lambda: bool(a)); del A.__len__; t(lambda: len(a)); t(lambda: bool(a))
class B(A): pass
b=B()
A.__add__=lambda s,o: ('add',o); t(lambda: b+1); A.__radd__=lambda s,o: ('radd',o); t(lambda: 1+b); B.__add__=lambda s,o: NotImplemented; t(lambda: b+1); t(lambda: b+b); del B.__add__; t(lambda: b+1); del A.__add__; t(lambda: b+1); t(lambda: 1+b)
A.__getitem__=lambda s,i: i if i<3 else 1/0 if i>5 else (_ for _ in ()).throw(IndexError); 
def gi(s,i):
    if isinstance(i,int) and i>2: raise IndexError
    return i
A.__getitem__=gi
t(lambda: list(b)); t(lambda: 2 in b); t(lambda: 7 in b); t(lambda: b['x']); t(lambda: b[1:2])
A.__iter__=None; t(lambda: list(b)); t(lambda: 2 in b); A.__contains__=None; t(lambda: 2 in b); del A.__iter__, A.__contains__, A.__getitem__; t(lambda: list(b))
A.__call__=lambda s,*a,**k:(a,k); t(lambda: b(1,x=2)); del A.__call__; t(lambda: b())
A.__hash__=None; t(lambda: hash(b)); A.__hash__=lambda s: 1<<100; t(lambda: hash(b)==hash(1<<100)); A.__hash__=lambda s:-1; t(lambda: hash(b)); A.__hash__=lambda s:'x'; t(lambda: hash(b)); del A.__hash__; t(lambda: isinstance(hash(b),int))
A.__eq__=lambda s,o: True; t(lambda: b==3); t(lambda: b!=3); del A.__eq__
class E:
    def __eq__(s,o): return True
t(lambda: hash(E())); t(lambda: E.__hash__)
class F(E): __hash__=object.__hash__
t(lambda: isinstance(hash(F()),int)); t(lambda: F()==3)
A.__bool__=lambda s: 3; t(lambda: bool(b)); del A.__bool__
A.__index__=lambda s: 2; t(lambda: [1,2,3][b]); t(lambda: 'abc'[b]); A.__index__=lambda s: 'x'; t(lambda: [1][b]); del A.__index__; t(lambda: [1][b])
A.__str__=lambda s: 3; t(lambda: str(b)); A.__repr__=lambda s: 3; t(lambda: repr(b)); del A.__str__, A.__repr__
A.__getattr__=lambda s,n: 'got '+n; t(lambda: b.foo); B.__getattribute__=lambda s,n: 'ga '+n if n!='zz' else object.__getattribute__(s,n); t(lambda: b.foo); t(lambda: b.zz); del B.__getattribute__; t(lambda: b.foo); del A.__getattr__; t(lambda: b.foo)
A.__setattr__=lambda s,n,v: print('set',n,v); b.q=3; del A.__setattr__; b.q=4; t(lambda: b.q)
A.__delattr__=lambda s,n: print('del',n); del b.q; del A.__delattr__; del b.q; t(lambda: b.q)
# in-place & reflected & power
class N:
    def __init__(s,v): s.v=v
    def __iadd__(s,o): s.v+=o; return s
    def __pow__(s,o,m=None): return ('pow',o,m)
    def __rpow__(s,o): return ('rpow',o)
    def __ipow__(s,o): return ('ipow',o)
    def __matmul__(s,o): return 'mm'
    def __divmod__(s,o): return 'dm'
    def __rdivmod__(s,o): return 'rdm'
    def __neg__(s): return 'neg'
    def __abs__(s): return 'abs'
    def __invert__(s): return 'inv'
    def __int__(s): return s.v
    def __float__(s): return 1.5
n=N(1); n+=5; t(lambda: n.v); t(lambda: n**2); t(lambda: pow(n,2,3)); t(lambda: 2**n); t(lambda: pow(2,n,3)); t(lambda: n@1); t(lambda: 1@n); t(lambda: divmod(n,1)); t(lambda: divmod(1,n)); t(lambda: (-n,abs(n),~n,int(n),float(n))); m=N(1); m**=2; t(lambda: m); t(lambda: +N(1)); t(lambda: N(1)-1); t(lambda: 1-N(1))
def f(): 
    x=N(1); x-=1
t(f)
# subclass priority
class P1:
    def __add__(s,o): return 'P1.add'
    def __radd__(s,o): return 'P1.radd'
class P2(P1): pass
class P3(P1):
    def __radd__(s,o): return 'P3.radd'
t(lambda: P1()+P2()); t(lambda: P1()+P3()); t(lambda: P3()+P1()); t(lambda: 1+P1()); 
class I(int):
    def __add__(s,o): return 'I.add'
    def __radd__(s,o): return 'I.radd'
t(lambda: I(1)+1); t(lambda: 1+I(1)); t(lambda: I(3)*2); t(lambda: I(3)<2); t(lambda: type(I(3)-1)); t(lambda: I('12')+0)
class L(list):
    def __add__(s,o): return 'L.add'
t(lambda: L([1])+[2]); t(lambda: [1]+L([2])); t(lambda: L([1])*2); l=L(); l+=[1]; t(lambda: l); t(lambda: L([1,2])[0]); t(lambda: L([1])==[1])
class LG(list):
    def __getitem__(s,i): return ('gi',i)
    def __len__(s): return 99
t(lambda: LG([1])[0]); t(lambda: LG([1])[1:2]); t(lambda: len(LG())); t(lambda: list(LG([1,2]))); t(lambda: LG([5]).pop())
class DD(dict):
    def __missing__(s,k): return ('miss',k)
    def __contains__(s,k): return True
t(lambda: DD()[3]); t(lambda: 4 in DD()); t(lambda: DD(a=1)['a'])
class SS(str):
    def __len__(s): return 7
    def __str__(s): return 'sss'
t(lambda: len(SS('x'))); t(lambda: str(SS('x'))); t(lambda: SS('ab')+'c'); t(lambda: SS('ab').upper())
class T(tuple):
    x=3
    def __new__(cls,*a): return super().__new__(cls,a)
q=T(1,2); q.y=4; t(lambda: (q,q.x,q.y,q.__dict__,q[0],len(q)))
# metaclass
class M(type):
    def __new__(m,n,b,d,**k): print('new',n,sorted(k)); return super().__new__(m,n,b,d)
    def __init__(c,n,b,d,**k): print('init',n); super().__init__(n,b,d)
    def __call__(c,*a,**k): print('call',a,k); return super().__call__(*a,**k)
    def __prepare__(n,b,**k): print('prep',n); return {'pre':1}
    __prepare__=staticmethod(__prepare__)
    def __getattr__(c,n): return 'meta '+n
    def __len__(c): return 5
    def __instancecheck__(c,i): return i==3
    def __subclasscheck__(c,i): return i is int
    @property
    def prop(c): return 'prop of '+c.__name__
class C(metaclass=M, z=1):
    def __init__(s,a): s.a=a
t(lambda: C(5).a); t(lambda: C.pre); t(lambda: C.foo); t(lambda: len(C)); t(lambda: isinstance(3,C)); t(lambda: issubclass(int,C)); t(lambda: C.prop); t(lambda: C(1).prop); t(lambda: type(C)); t(lambda: C.__class__); t(lambda: C.mro())
class C2(C): pass
t(lambda: C2(7).a)
del M.__call__; t(lambda: C2(7).a); M.__call__=lambda c,*a: 'intercepted'; t(lambda: C2(7))
# init_subclass, set_name, class_getitem
class Base:
    subs=[]
    def __init_subclass__(cls, tag=None, **k): super().__init_subclass__(**k); cls.subs.append((cls.__name__,tag))
    def __class_getitem__(cls, i): return (cls.__name__, i)
class Sub(Base, tag='x'): pass
t(lambda: Base.subs); t(lambda: Sub[3]); t(lambda: Sub()[3])
def f():
    class Bad(Base, other=1): pass
t(f)
class D:
    def __set_name__(s,o,n): s.n=(o.__name__,n)
    def __get__(s,i,o): return ('get',i is None,o.__name__)
    def __set__(s,i,v): print('set',v)
    def __delete__(s,i): print('delete')
class H: d=D(); e=D()
h=H(); t(lambda: h.d); t(lambda: H.d); h.d=3; del h.d; t(lambda: H.__dict__['e'].n); h.__dict__['d']=9; t(lambda: h.d)
class ND:
    def __get__(s,i,o): return 'nd'
class H2: d=ND()
h=H2(); t(lambda: h.d); h.d=4; t(lambda: h.d)
# mro
class X: 
    def f(s): return ['X']
class Y(X):
    def f(s): return ['Y']+super().f()
class Z(X):
    def f(s): return ['Z']+super().f()
class W(Y,Z):
    def f(s): return ['W']+super().f()
t(lambda: W().f()); t(lambda: [c.__name__ for c in W.__mro__]); 
class V(Y): pass
v=V(); t(lambda: v.f()); V.__bases__=(Z,); t(lambda: v.f()); t(lambda: V.__mro__); t(lambda: Y.__subclasses__()); t(lambda: Z.__subclasses__()); V.__bases__=(Z,Y); t(lambda: v.f())
def f(): Y.__bases__=(Z,)
t(f); t(lambda: [c.__name__ for c in W.__mro__]); t(lambda: Y.__bases__); t(lambda: Y.mro())
# __class__ assign
class K1: 
    def who(s): return 'K1'
class K2:
    def who(s): return 'K2'
k=K1(); k.z=1; k.y=2; k.__class__=K2; t(lambda: (k.who(), k.z, k.y, vars(k))); k.w=3; t(lambda: vars(k))
class K3: __slots__=('a','b')
class K4: __slots__=('b','a')
class K5: __slots__=('a','c')
k=K3(); k.a=1; k.__class__=K4; t(lambda: k.a); 
def f(): k.__class__=K5
t(f)
# slots
class SL:
    __slots__=('a','__b','__dict__')
s=SL(); s.a=1; s.zz=3; t(lambda: (s.a,s.zz,vars(s))); t(lambda: SL.__slots__); t(lambda: SL.__dict__['_SL__b'].__name__); t(lambda: SL.a); t(lambda: SL.a.__get__(s)); t(lambda: SL.a.__objclass__); 
def f(): del s.a; return s.a
t(f); t(f)
class SL2(SL): __slots__=('c',)
s=SL2(); s.c=1; s.a=2; t(lambda: (s.c,s.a)); 
# dict attr
class G: pass
g=G(); g.a=1; g.b=2; d=g.__dict__; d['c']=3; t(lambda: g.c); g.d=4; t(lambda: d); del g.a; t(lambda: d); g.__dict__={'n':1}; t(lambda: g.n); t(lambda: vars(g)); del g.__dict__; t(lambda: vars(g)); t(lambda: g.n)
g=G(); g.a=1; g.b=2; del g.a; g.a=3; t(lambda: vars(g)); t(lambda: list(g.__dict__))
g=G()
for i in range(60): setattr(g,'k%d'%i,i)
t(lambda: sum(vars(g).values())); t(lambda: g.k59); g2=G(); g2.k5=1; t(lambda: vars(g2)); t(lambda: g2.k6)
# finalizer, weakref-free
class Fin:
    def __del__(s): print('del', s.n)
x=Fin(); x.n=1; del x
class Res:
    def __del__(s): keep.append(s)
keep=[]; x=Res(); x.a=1; del x; t(lambda: keep[0].a); keep.clear()
# property & classmethod & staticmethod
class PP:
    def __init__(s): s._v=1
    @property
    def v(s): 'doc v'; return s._v
    @v.setter
    def v(s,x): s._v=x
    @v.deleter
    def v(s): s._v=None
    @classmethod
    def cm(cls,*a): return (cls.__name__,a)
    @staticmethod
    def sm(*a): return a
p=PP(); p.v=5; t(lambda: p.v); del p.v; t(lambda: p.v); t(lambda: PP.v.__doc__); t(lambda: p.cm(1)); t(lambda: PP.cm(1)); t(lambda: p.sm(2)); t(lambda: PP.cm.__self__); t(lambda: PP.cm.__func__.__name__)
t(lambda: PP.__dict__['cm'].__wrapped__.__name__)
# getattr/hasattr defaults
t(lambda: getattr(p,'zz',5)); t(lambda: hasattr(p,'v')); t(lambda: hasattr(p,'vv')); t(lambda: getattr(3,'real')); t(lambda: getattr(p,3)); t(lambda: setattr(3,'x',1)); t(lambda: object().x)
# errors
t(lambda: A.__new__()); t(lambda: A.__new__(3)); t(lambda: int.__new__(str)); t(lambda: object.__new__(list)); t(lambda: dict.__init__(3)); t(lambda: object.__setattr__(int,'x',1)); t(lambda: object.__setattr__(A,'x',1)); t(lambda: type.__setattr__(int,'x',1)); t(lambda: object.__delattr__(A,'x'))
t(lambda: type.__call__()); t(lambda: type(type.__call__(A)).__name__); t(lambda: type(3,4)); t(lambda: type('Q',(),{})().__class__.__name__); t(lambda: type('Q',(A,),dict(z=3)).z)
t(lambda: 1 < 'a'); t(lambda: [] < 3); t(lambda: A() < A()); t(lambda: A() == A()); t(lambda: 1+'a'); t(lambda: 'a'+1); t(lambda: [1]+(2,)); t(lambda: 'a'*'b'); t(lambda: [1]*1.5); t(lambda: print >> 3); t(lambda: -'a'); t(lambda: ~1.5); t(lambda: abs('x')); t(lambda: 1 if [] else len(5)); three=3; t(lambda: three[1]); t(lambda: int[1]); t(lambda: A()[1]); t(lambda: iter(3)); t(lambda: next(3)); t(lambda: 3 in 4); t(lambda: 2**'a'); t(lambda: pow(2,'a',3)); t(lambda: divmod(1,'a')); t(lambda: {}[[]]); t(lambda: hash([])); t(lambda: {}['x']); t(lambda: three()); t(lambda: A()(1)); t(lambda: isinstance(3,4)); t(lambda: issubclass(3,int)); t(lambda: issubclass(int,3)); t(lambda: isinstance(3,(int,4))); t(lambda: isinstance(3,(str,4)))
def f(): x=[1]; x['a']=1
t(f)
def f(): x=(1,); x[0]=1
t(f)
def f(): x=3; x[0]=1
t(f)
def f(): x=3; del x[0]
t(f)
def f(): x=[1]; del x['a']
t(f)
t(lambda: dir(A()) == sorted(dir(A()))); t(lambda: [x for x in dir(A) if not x.startswith('__')]); t(lambda: A.__doc__); t(lambda: A.__module__); t(lambda: A.__qualname__); A.__doc__='dd'; t(lambda: A.__doc__); A.__name__='AA'; t(lambda: A); A.__qualname__='x.AA'; t(lambda: A); A.__module__='mod'; t(lambda: A); 
class An: x:int; y:str='a'
t(lambda: An.__annotations__); t(lambda: A.__annotations__); A.__annotations__={'q':1}; t(lambda: A.__annotations__)
t(lambda: (lambda: super().x)()); 
class SU:
    def f(s): del s; return super().x
    def g(): return super().x
    @staticmethod
    def h(): return super().x
    def k(s): return [super().__init__ for _ in 'a']
t(lambda: SU().f()); t(lambda: SU.g()); t(lambda: SU.h()); t(lambda: SU().k())
# recursion
class RR:
    def __repr__(s): return repr(s)
t(lambda: repr(RR()))
class RE:
    def __eq__(s,o): return s==o
t(lambda: RE()==3)
class RG:
    def __getattr__(s,n): return s.zz
t(lambda: RG().x)
class RC: pass
RC.__call__=RC()
t(lambda: RC()())
l=[]; l.append(l); t(lambda: l); d={}; d['d']=d; t(lambda: d)
deep=None
for i in range(100000):
    n=G(); n.n=deep; deep=n
del deep, n
print('deep freed')
