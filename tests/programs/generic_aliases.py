# types.GenericAlias and types.UnionType: making, substitution, text, errors.
def t(f):
    try: print(repr(f()))
    except BaseException as e: print(type(e).__name__, e)
import types, typing, pickle, copy
from typing import *
T=TypeVar('T'); S=TypeVar('S'); Ts=TypeVarTuple('Ts'); P=ParamSpec('P')
G=types.GenericAlias
t(lambda: type(iter(list[int]))); t(lambda: iter(list[int]).__reduce__());  t(lambda: [*list[int]]); i=iter(list[int]); next(i); t(lambda: next(i))
t(lambda: list[int].__bases__); t(lambda: list[int].__class__); t(lambda: list[int].__mro__); t(lambda: list[int].__copy__); t(lambda: list[int].__name__); t(lambda: list[int].__doc__==list.__doc__); t(lambda: list[int].__dict__.__class__); t(lambda: list[int].__getitem__); t(lambda: list[int].__module__);
t(lambda: list[[int,str]]); t(lambda: list[[int,[str]]]); t(lambda: list[...]); t(lambda: tuple[()]); t(lambda: tuple[int,...]); t(lambda: list['x']); t(lambda: list[None]); t(lambda: list[type(None)]); t(lambda: list[T]); t(lambda: list[types.FunctionType]); t(lambda: list[1])
t(lambda: list[int][str]); t(lambda: list[T][int,str]); t(lambda: dict[T,S][int]); t(lambda: dict[T,S][int,str]); t(lambda: dict[T,list[S]][int,str]); t(lambda: dict[T,T].__parameters__); t(lambda: list[T][int]()); t(lambda: tuple[*Ts][int,str]); t(lambda: tuple[T,*Ts][int]); t(lambda: tuple[T,*Ts][()]); t(lambda: tuple[*tuple[int,...]]); t(lambda: tuple[*tuple[T,...]][int]); t(lambda: dict[T,*Ts][*tuple[int,str]]); t(lambda: list[P]); t(lambda: dict[T,P][int,[str]]); t(lambda: list[P][int,str])
t(lambda: G()); t(lambda: G(1,2)); t(lambda: G(1,2,x=3)); t(lambda: G(list,int)()); t(lambda: isinstance([], list[int])); t(lambda: issubclass(list, list[int])); t(lambda: list[int]==list[int]); t(lambda: list[int]<list[int]); t(lambda: hash(list[int])==hash(list[int])); t(lambda: list[int].__args__); t(lambda: list[int].__unpacked__); t(lambda: tuple[int].__typing_unpacked_tuple_args__); t(lambda: next(iter(tuple[int])).__typing_unpacked_tuple_args__); t(lambda: list[int].__reduce__()); t(lambda: pickle.loads(pickle.dumps(list[int]))); t(lambda: copy.deepcopy(list[int]))
t(lambda: sorted(set(dir(list[int]))-set(dir(list))))
def f(): list[int].x=1
t(f)
def f(): list[int].__origin__=1
t(f)
t(lambda: list[int].nope); t(lambda: list[int].append); t(lambda: (list[int]).mro())
class C(list[int]): pass
t(lambda: (C.__bases__, C.__orig_bases__)); t(lambda: int|str); t(lambda: int|None); t(lambda: None|int); t(lambda: int|int); t(lambda: int|list[int]|list[int]); t(lambda: int|1); t(lambda: 1|int); t(lambda: (int|str)|(str|bytes)); t(lambda: int|T); t(lambda: (int|str).__module__); t(lambda: (int|str).__name__);  t(lambda: (int|list[T])[str]); t(lambda: (int|list[T]).__parameters__); t(lambda: (int|str)[int]); t(lambda: (int|str)==(str|int)); t(lambda: hash(int|str)==hash(str|int)); t(lambda: isinstance(1,int|str)); t(lambda: isinstance(1,str|list[int])); t(lambda: issubclass(int,int|str)); t(lambda: types.UnionType()); t(lambda: (int|str)()); t(lambda: (int|str).__args__); t(lambda: int|None|types.FunctionType); t(lambda: (int|str)<(int|str)); t(lambda: isinstance(None, int|None)); t(lambda: (int|str).foo); t(lambda: (list[T]|int)[S]); t(lambda: issubclass(list, int|list[int])); t(lambda: isinstance(1,(int|str,)));  t(lambda: (T|int)); t(lambda: list[T]|None); t(lambda: list[int]|"x"); t(lambda: type.__or__(int,3))
t(lambda: list[int].__orig_class__); t(lambda: list[T][[int]]); t(lambda: tuple[T][()]); t(lambda: list[T][int,]); t(lambda: list[list[T]][int])
t(lambda: dict[T,*Ts].__parameters__); t(lambda: (int|(lambda x:x)))
import weakref; t(lambda: weakref.ref(list[int])()is None); t(lambda: weakref.ref(int|str))
t(lambda: G(list,(int,))(3)); t(lambda:G(3,int)()); t(lambda:[1]|list[int])
