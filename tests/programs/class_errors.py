# What wrong uses of classes and attributes say.
class A: pass
def t(f):
    try: print(f())
    except BaseException as e: print(type(e).__name__, e, getattr(e,'name','-'), type(getattr(e,'obj','-')).__name__)
def d():
    del A().x
t(d)
def d(): del A.x
t(d)
def d(): A.x
t(d)
def d(): A().x
t(d)
def d(): (1).x=3
t(d)
def d(): (1).real=3
t(d)
def d(): del (1).real
t(d)
def d(): del (1).realx
t(d)
def d(): del int.x
t(d)
def d(): int.x=1
t(d)
class S: __slots__=('a',)
def d(): S().a
t(d)
def d(): del S().a
t(d)
def d(): S().b=1
t(d)
def d(): S().__class__=3
t(d)
def d(): S().__class__=A
t(d)
def d(): A().__class__=int
t(d)
def d(): object.__new__(int)
t(d)
def d(): object(1)
t(d)
def d(): A(1)
t(d)
def d(): 
    class B:
        def __new__(cls,*a): return object.__new__(cls,1)
    B(1)
t(d)
def d(): 
    class B:
        def __new__(cls,*a): return object.__new__(cls)
        def __init__(self,*a): object.__init__(self,1)
    B(1)
t(d)
def d(): 
    class B:
        def __init__(self,*a): object.__init__(self,1)
    B(1)
t(d)
def d(): 
    class B:
        def __new__(cls,*a): return object.__new__(cls)
    B(1)
t(d)
def d(): 
    class B:
        def __init__(self,*a): return 3
    B(1)
t(d)
import abc
def d(): 
    class B(abc.ABC):
        @abc.abstractmethod
        def f(self): pass
    B()
t(d)
def d(): 
    class B(abc.ABC):
        @abc.abstractmethod
        def f(self): pass
        @abc.abstractmethod
        def g(self): pass
    B()
t(d)
def d(): type(None)()(1)
t(d)
def d(): type(None)(1)
t(d)
def d(): type(...)(1)
t(d)
def d(): type(NotImplemented)(1)
t(d)
def d(): type()
t(d)
def d(): type(1,2)
t(d)
def d(): type(1,2,3)
t(d)
def d(): type('a',2,3)
t(d)
def d(): type('a',(2,),{})
t(d)
def d(): type('a',(),3)
t(d)
def d(): type('a\0',(),{})
t(d)
def d(): type('a',(bool,),{})
t(d)
def d(): type('a',(int,str),{})
t(d)
def d(): type('a',(A,A),{})
t(d)
class X(object): pass
class Y(X): pass
def d(): type('a',(X,Y),{})
t(d)
def d(): type('a',(),{'__slots__':1})
t(d)
def d(): type('a',(),{'__slots__':'a b'})
t(d)
def d(): type('a',(),{'__slots__':('a','a')})
t(d)
def d(): type('a',(),{'__slots__':('a',),'a':3})
t(d)
def d(): type('a',(int,),{'__slots__':('a',)})
t(d)
def d(): type('a',(A,),{'__slots__':('__dict__',)})
t(d)
def d(): type('a',(A,),{'__slots__':('__weakref__',)})
t(d)
def d(): type('a',(),{'__qualname__':1})
t(d)
def d(): type('a',(),{'__classcell__':1})
t(d)
def d(): type('a',(),{},x=1)
t(d)
def d():
    class Z:
        def __set_name__(s,o,n): 1/0
    class Q:
        a=Z()
try: d()
except Exception as e: print(repr(e), repr(e.__cause__))
class M1(type): pass
class M2(type): pass
class P1(metaclass=M1): pass
class P2(metaclass=M2): pass
def d():
    class P3(P1,P2): pass
t(d)
def d(): A.__bases__=3
t(d)
def d(): A.__bases__=()
t(d)
def d(): A.__bases__=(int,)
t(d)
def d(): Y.__bases__=(int,)
t(d)
def d(): Y.__bases__=(Y,)
t(d)
def d(): Y.__bases__=(3,)
t(d)
def d(): del Y.__bases__
t(d)
def d(): int.__bases__=()
t(d)
def d(): A.__name__=3
t(d)
def d(): A.__name__='a\0'
t(d)
def d(): del A.__name__
t(d)
def d(): A.__qualname__=3
t(d)
def d(): del A.__qualname__
t(d)
def d(): del A.__module__
t(d)
def d(): del A.__doc__
t(d)
def d(): int.__doc__=3
t(d)
def d(): int.__name__=3
t(d)
def d(): A.__abstractmethods__
t(d)
def d(): del A.__abstractmethods__
t(d)
def d(): type.__abstractmethods__
t(d)
def d(): int.__annotations__
t(d)
def d(): del A.__annotations__
t(d)
def d(): A.__mro__=1
t(d)
def d(): A.__dict__=1
t(d)
def d(): A().__dict__=1
t(d)
def d(): del A().__dict__
t(d)
def d(): A().__weakref__=1
t(d)
def d(): object.__reduce_ex__(S(),1)
t(d)
def d(): object.__reduce_ex__(A(),2)
t(d)
def d():
  import _thread
  object.__reduce_ex__(_thread.allocate_lock(),2)
t(d)
def d():
  import _thread
  object.__reduce_ex__(_thread.allocate_lock(),1)
t(d)
def d(): object.__format__(1,'x')
t(d)
def d(): object.__init_subclass__(1)
t(d)
def d():
  class Q(x=1): pass
t(d)
