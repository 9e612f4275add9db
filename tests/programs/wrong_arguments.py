"""Arguments of the wrong kind, for functions and methods of built-in types and for special attributes."""
import codecs
import io
import math
import re
from collections import OrderedDict, deque

CALLS = """
[1,2].sort(reverse=v)
sorted([1,2],reverse=v)
math.isclose(v)
'a\\n'.splitlines(v)
b'a\\n'.splitlines(keepends=v)
OrderedDict({1:2}).popitem(v)
(1).to_bytes(1,'big',signed=v)
int.from_bytes(b'a','big',signed=v)
list(zip([1],[2],strict=v))
print(1,flush=v,file=io.StringIO())
compile('1','f','eval',0,v)
compile('1','f','eval',v)
codecs.utf_8_decode(b'a','strict',v)
codecs.utf_16_ex_decode(b'ab','strict',v,v)
io.StringIO('a\\n',v)
enumerate([1],v)
sum([1],v)
round(1.5,v)
ascii('a').encode(v)
deque([1],v)
memoryview(b'ab').hex('-',v)
b'ab'.hex('-',v)
b'ab'.hex(v)
memoryview(b'ab').tobytes(v)
memoryview(b'ab').cast(v)
memoryview(b'ab').cast('B',v)
str(b'a',v)
bytes('a',v)
float.__format__(1.0,v)
property(v).getter(v)
'a'.translate(v)
str.maketrans(v)
'a'.join(v)
'a'.startswith(v)
b'a'.translate(v)
bytes.fromhex(v)
(1.5).fromhex(v)
int(v)
float(v)
complex(v)
complex(1,v)
complex('1',v)
hex(v)
ord(v)
divmod(1,v)
pow(1,2,v)
pow(2,-1,v)
slice(1).indices(v)
range(v)
iter(v)
iter(v,1)
next(v)
reversed(v)
len(v)
isinstance(1,v)
issubclass(int,v)
issubclass(v,int)
type(v,(),{})
type('a',v,{})
type('a',(),v)
type('a',(v,),{})
super(v)
super(int,v)
getattr(1,v)
setattr(1,v,1)
hash(v) and 0
vars(v).__class__
dir(v).__class__
eval(v)
exec(v)
eval('1',v)
exec('1',{},v)
__import__(v)
open(v)
map(v)
map(v,v)
filter(v,v)
dict(v)
dict.fromkeys(v)
{}.update(v)
{}|v
set(v) and 0
{1}|v
{1}.union(v) and 0
[1]+v
(1,)+v
'a'+v
b'a'+v
bytearray()+v
[].extend(v)
any(v)
all(v)
max(v)
min(v,key=v)
format(1,v)
input.__call__
classmethod(v).__func__ and 0
staticmethod(v) and 0
BaseException(1).with_traceback(v)
ValueError(1).add_note(v)
ExceptionGroup(v,[ValueError()])
ExceptionGroup('a',v)
ExceptionGroup('a',[v])
ExceptionGroup('a',[ValueError()]).split(v)
SyntaxError('a',v)
OSError(v,1)
UnicodeDecodeError(v,b'',1,2,'a')
UnicodeEncodeError('a',v,1,2,'a')
StopIteration(v).value
ImportError('a',name=v).name
AttributeError('a',obj=v).obj
object.__new__(v)
object.__reduce_ex__(1,v)
object().__format__(v)
(lambda:1).__get__(v)
(lambda:1).__setattr__('__code__',v)
(lambda:1).__setattr__('__defaults__',v)
(lambda:1).__setattr__('__name__',v)
(lambda:1).__setattr__('__kwdefaults__',v)
(lambda:1).__setattr__('__dict__',v)
type('A',(),{}).__setattr__('a',v)
type.__setattr__(type('A',(),{}),'__bases__',v)
type.__setattr__(type('A',(),{}),'__name__',v)
type.__setattr__(type('A',(),{}),'__qualname__',v)
type('A',(),{})().__setattr__('__class__',v)
type('A',(),{})().__setattr__('__dict__',v)
type('A',(),{'__slots__':v}) and 0
type('A',(),{'__doc__':v}).__doc__
type('A',(),{'__qualname__':v})
"""
for v in (1.5, "x", None, 2**64, [], object):
    for call in CALLS.strip().splitlines():
        try:
            outcome = str(eval(call))[:80]
        except Exception as error:
            outcome = f"{type(error).__name__} {error} {error.args}"
        print(call, re.sub(" at 0x[0-9a-f]+", "", outcome))


class BadText(str):
    def __repr__(self):
        return None


try:
    int(BadText("x"))
except ValueError as error:
    print(error.args, error.__context__)
