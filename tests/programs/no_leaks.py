# Objects of every kind are released completely: a second round of the same work leaves no block behind.
import gc
import sys


def case_class():
    class A:
        x=1
        def f(self): return self.x
        @property
        def p(self): return 3
    class B(A):
        __slots__=('q','r')
        def __len__(self): return 3
    b=B(); b.q=1; b.z=4; len(b); b.p; b.f(); B.__doc__; B.__mro__; A.__subclasses__(); vars(b)
class M(type):
    def __call__(c,*a): return super().__call__(*a)
def case_meta():
    class C(metaclass=M):
        def __init__(s,*a): s.a=a
    C(1,2); C.foo=3; C.__len__=lambda s:2; len(C(1)); del C.__len__
def case_err():
    for f in (lambda: [].x, lambda: 1+'a', lambda: int('x'), lambda: {}['a'], lambda: object().x, lambda: C(), lambda: len(3), lambda: [].append(), lambda: list.append(3), lambda: super(), lambda: int.__add__('a',1), lambda: isinstance(3,4), lambda: object.__new__(int), lambda: type('a',(int,str),{}), lambda: type('a',(),{'__slots__':1})):
        try: f()
        except Exception as e: str(e); repr(e)
        try:
            try: f()
            except Exception: f()
        except Exception as e: e.__context__
class G: pass
def case_inst():
    g=G(); g.a=1; g.b=2; g.a=3; del g.a; g.a=5; vars(g); g.__dict__={}; g.x=1; g.__class__=G; getattr(g,'nope',None); hasattr(g,'x')
    for i in range(40): setattr(g,'k%d'%i,i)
    h=G()
    for i in range(40): setattr(h,'k%d'%i,i)
def case_alias():
    list[int]; list[int]==list[str]; repr(dict[int,list[str]]); int|str|None; repr(int|None); isinstance(3,int|str); hash(list[int]); list[int](); list[int].append
def case_bound():
    l=[]; m=l.append; m(1); m.__name__; m.__qualname__; repr(m); G.__init__; G().__init__; (1).__add__(2); int.__add__(1,2); int.__dict__; dict.fromkeys([1]); property(len); classmethod(len); staticmethod(len)(()); type(l); super(G, G()).__init__()
class F:
    def __del__(s): s.x=1
def case_fin(): F(); f=F(); f.a=f
def case_bases():
    class X: pass
    class Y: pass
    class Z(X): pass
    Z.__bases__=(Y,); Z.__bases__=(Y,X)
class Op:
    def __init__(s,v): s.v=v
    def __add__(s,o): return Op(s.v)
    def __eq__(s,o): return True
    def __hash__(s): return 1
    def __getitem__(s,i): return i
    def __iter__(s): return iter([1])
    def __getattr__(s,n): return n
    def __call__(s,*a,**k): return a
    def __contains__(s,x): return True
    def __bool__(s): return True
    def __repr__(s): return 'op'
def case_op():
    a=Op(1); b=Op(2); a+b; a==b; hash(a); a[1]; list(a); a.foo; a(1,x=2); 1 in a; bool(a); repr(a); str(a); {a:1}; Op(v=3); a.__class__=Op
cases=[case_class,case_meta,case_err,case_inst,case_alias,case_bound,case_fin,case_bases,case_op]
for c in cases:
    for i in range(60): c()
    gc.collect(); gc.collect()
    n0=sys.getallocatedblocks()
    for i in range(200): c()
    gc.collect(); gc.collect()
    print(c.__name__, (sys.getallocatedblocks()-n0)//100 <= 0)
