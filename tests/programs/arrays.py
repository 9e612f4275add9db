# array: item types, methods, pickles, growth.
import array, sys
from array import array as A
def t(f):
    try: print(repr(f()))
    except BaseException as e: print(type(e).__name__, e)
for n in sorted(n for n in dir(array) if not n.startswith('__')): print(n, getattr(getattr(array,n),'__text_signature__',None), type(getattr(array,n)).__name__)
print(array.typecodes)
print({k:(type(v).__name__,getattr(v,'__text_signature__','?')) for k,v in A.__dict__.items() if k!='__doc__'}, A.__flags__ , A.__basicsize__, A.__text_signature__)
IT=type(iter(A('i')))
print(IT, {k:(type(v).__name__,getattr(v,'__text_signature__','?')) for k,v in IT.__dict__.items()}, IT.__flags__)
t(lambda: A()); t(lambda: A('x')); t(lambda: A(3)); t(lambda: A('ii')); t(lambda: A('i',3)); t(lambda: A('i','abc')); t(lambda: A('u','abc')); t(lambda: A('u',b'abcdefgh')); t(lambda: A('i',b'abcdefgh')); t(lambda: A('i',b'abc')); t(lambda: A('i',bytearray(b'abcd'))); t(lambda: A('i',[1,2,3])); t(lambda: A('i',(1,2))); t(lambda: A('i',iter([1,2]))); t(lambda: A('i',A('d',[1.0]))); t(lambda: A('d',A('i',[1]))); t(lambda: A('i',A('u','a'))); t(lambda: A('i',[1],2)); t(lambda: A('i',x=3)); t(lambda: A('i',[1,'a'])); t(lambda: A('u',['a','bc'])); t(lambda: A('u',[1])); t(lambda: A('u',A('u','ab'))); t(lambda: A('d',['a'])); t(lambda: A('d','a')); t(lambda: A('b',range(3))); t(lambda: A('b',memoryview(b'abc'))); t(lambda: A('B',None))
for c in 'bBhHiIlLqQ':
    for v in (0,-1,127,128,-128,-129,255,256,32767,32768,-32769,65535,65536,2**31-1,2**31,-2**31-1,2**32-1,2**32,2**63-1,2**63,-2**63-1,2**64-1,2**64,1.5,'a',None):
        t(lambda: (c,v,A(c,[v])))
        t(lambda: A(c,[0]).__contains__(v))
class I:
    def __index__(self): return 5
for c in 'bBhHiIlLqQfdu': t(lambda: A(c,[I()]))
for c in 'fd':
    for v in (0,1.5,1e300,float('inf'),10**400,'a',None): t(lambda: A(c,[v]))
t(lambda: A('u','a\U0001f600\udc80')); t(lambda: A('u','ab').tounicode()); t(lambda: A('i').tounicode()); t(lambda: A('u').fromunicode('xyz')); t(lambda: A('i').fromunicode('xyz')); t(lambda: A('u').fromunicode(3)); 
def m(f):
    def g():
        a=A('i',[1,2,3,4,5]); r=f(a); return a,r
    t(g)
for f in (lambda a:a.append(6),lambda a:a.append('a'),lambda a:a.append(2**40),lambda a:a.extend([6,7]),lambda a:a.extend(A('i',[6])),lambda a:a.extend(A('d',[6])),lambda a:a.extend(3),lambda a:a.extend([6,'a']),lambda a:a.extend(a),
 lambda a:a.insert(1,9),lambda a:a.insert(-1,9),lambda a:a.insert(100,9),lambda a:a.insert(-100,9),lambda a:a.insert(1),lambda a:a.insert('a',1),lambda a:a.insert(1,'a'),lambda a:a.pop(),lambda a:a.pop(0),lambda a:a.pop(-2),lambda a:a.pop(10),lambda a:a.pop('a'),lambda a:A('i').pop(),
 lambda a:a.remove(3),lambda a:a.remove(33),lambda a:a.remove('x'),lambda a:a.remove(3.0),lambda a:a.reverse(),lambda a:a.byteswap(),lambda a:a.index(3),lambda a:a.index(33),lambda a:a.index(3,3),lambda a:a.index(3,1,2),lambda a:a.index(3,-4),lambda a:a.index(3,-40,40),lambda a:a.index(),lambda a:a.index(3,'a'),lambda a:a.count(3),lambda a:a.count(3.0),lambda a:a.count('x'),
 lambda a:a.tolist(),lambda a:a.tobytes(),lambda a:a.frombytes(b'abcd'),lambda a:a.frombytes(b'abc'),lambda a:a.frombytes('abcd'),lambda a:a.frombytes(A('i',[7])),lambda a:a.frombytes(memoryview(A('i',[7]))),lambda a:a.fromlist([7,8]),lambda a:a.fromlist((7,8)),lambda a:a.fromlist([7,'a']),lambda a:a.fromlist([]),lambda a:a.buffer_info()[1],lambda a:a.itemsize,lambda a:a.typecode,
 lambda a:setattr(a,'itemsize',3),lambda a:a.__copy__(),lambda a:a.__deepcopy__({}),lambda a:a.__sizeof__(),lambda a:a.__reduce_ex__(2),lambda a:a.__reduce_ex__(3),lambda a:a.__reduce_ex__('a'),lambda a:a.__reduce_ex__(),
 lambda a:a[0],lambda a:a[-1],lambda a:a[10],lambda a:a['a'],lambda a:a[1:3],lambda a:a[::2],lambda a:a[::-1],lambda a:a[5:1],lambda a:a.__setitem__(0,9),lambda a:a.__setitem__(10,9),lambda a:a.__setitem__(0,'a'),lambda a:a.__setitem__('a',1),lambda a:a.__setitem__(slice(1,3),A('i',[9,9,9])),lambda a:a.__setitem__(slice(1,3),A('d',[9])),lambda a:a.__setitem__(slice(1,3),[9]),lambda a:a.__setitem__(slice(0,5,2),A('i',[7,8,9])),lambda a:a.__setitem__(slice(0,5,2),A('i',[7])),lambda a:a.__setitem__(slice(0,2),a),lambda a:a.__delitem__(0),lambda a:a.__delitem__(slice(1,3)),lambda a:a.__delitem__(slice(0,5,2)),lambda a:a.__delitem__(slice(None,None,-1)),lambda a:a.__delitem__(10),lambda a:a.__delitem__('a'),
 lambda a:a+a,lambda a:a+A('d'),lambda a:a+[1],lambda a:a*2,lambda a:2*a,lambda a:a*0,lambda a:a*-1,lambda a:a*2.0,lambda a:a*(2**62),lambda a:a.__iadd__(a),lambda a:a.__iadd__(A('d')),lambda a:a.__iadd__([1]),lambda a:a.__imul__(2),lambda a:a.__imul__(0),lambda a:a.__imul__(2**62),
 lambda a:a==a,lambda a:a==A('i',[1,2,3,4,5]),lambda a:a==A('d',[1,2,3,4,5]),lambda a:a!=A('d',[1,2,3,4,5]),lambda a:a<A('i',[1,2,4]),lambda a:a<A('i',[1,2]),lambda a:a<=a,lambda a:a==[1,2,3,4,5],lambda a:a<[1],lambda a:a>A('d',[1,1.5]),lambda a:3 in a,lambda a:'x' in a,lambda a:len(a),lambda a:hash(a),lambda a:bool(a),lambda a:list(a),lambda a:list(reversed(a)),lambda a:memoryview(a).format,lambda a:str(a),lambda a:A[int],lambda a:iter(a).__reduce__(),lambda a:a.append(),lambda a:a.byteswap(1), lambda a: a.tobytes(1)):
    m(f)
for c in 'bBuhHiIlLqQfd': t(lambda: (repr(A(c)),A(c).itemsize,memoryview(A(c)).format,A(c,'a' if c=='u' else [1]).tobytes(), A(c).__reduce_ex__(3)))
a=A('i',[1,2,3]); v=memoryview(a)
t(lambda: a.append(1)); t(lambda: a.pop()); t(lambda: a.extend([1])); t(lambda: a.__setitem__(slice(0,1),A('i'))); t(lambda: a.__imul__(2)); t(lambda: a.frombytes(b'abcd')); t(lambda: a.fromlist([1])); t(lambda: a.__delitem__(0)); t(lambda: a.__iadd__(a)); t(lambda: v.__setitem__(0,5) or a); t(lambda: a.insert(0,1)); t(lambda: a.remove(5)); t(lambda: a.extend(A('i',[1])))
v.release()
it=iter(a); t(lambda: next(it)); t(lambda: it.__reduce__()); t(lambda: it.__setstate__(2) or list(it)); t(lambda: it.__reduce__()); t(lambda: it.__setstate__('a')); it=iter(a); t(lambda: it.__setstate__(-5) or next(it)); t(lambda: it.__setstate__(50) or list(it)); t(lambda: it.__setstate__('a')); t(lambda: type(it)())
import io, tempfile
f=tempfile.TemporaryFile(); a=A('i',[1,2,3]); t(lambda: a.tofile(f)); f.seek(0); b=A('i'); t(lambda: b.fromfile(f,2)); t(lambda: b); t(lambda: b.fromfile(f,2)); t(lambda: b); t(lambda: b.fromfile(f,-1)); t(lambda: b.fromfile(3,1)); t(lambda: b.tofile(3)); t(lambda: b.fromfile(io.StringIO('abcd'),1)); t(lambda: b.tofile(io.StringIO())); t(lambda: b.fromfile(f)); t(lambda: b.fromfile(f,'a'))
R=array._array_reconstructor
t(lambda: R(A,'i',0,b'abcd')); t(lambda: R(A,'B',0,b'abcd')); t(lambda: R(A,'h',3,b'abcd')); t(lambda: R(A,'h',2,b'abcd')); t(lambda: R(A,'u',18,b'abcd')); t(lambda: R(A,'u',21,'é'.encode('utf-32-be'))); t(lambda: R(A,'u',20,b'abcd')); t(lambda: R(A,'u',0,b'abcd')); t(lambda: R(A,'d',15,b'\x3f\xf8'+bytes(6))); t(lambda: R(A,'f',12,b'abcd')); t(lambda: R(A,'f',13,b'abcd')); t(lambda: R(A,'i',22,b'abcd')); t(lambda: R(A,'i',-1,b'abcd')); t(lambda: R(A,'x',0,b'')); t(lambda: R(int,'i',0,b'')); t(lambda: R(3,'i',0,b'')); t(lambda: R(A,'i',8,b'abc')); t(lambda: R(A,'i',8,'abcd')); t(lambda: R(A,'i')); t(lambda: R(A,'q',9,b'abcdefgh')); t(lambda: R(A,'I',6,b'\xff\xff\xff\xff')); t(lambda: R(A,'i',6,b'\xff\xff\xff\xff')); t(lambda: R(A,'',6,b'')); t(lambda: R(A,3,6,b''))
class Sub(A):
    def __new__(cls,*a): return A.__new__(cls,*a)
s=Sub('i',[1,2]); s.x=3
t(lambda: s); t(lambda: s.__reduce_ex__(3)); t(lambda: type(s[:])); t(lambda: type(s+s)); t(lambda: type(s*2)); t(lambda: type(s.__copy__()))
class S2(A):
    def __init__(self,tc,x=(),y=0): pass
t(lambda: S2('i',[1],y=3)); t(lambda: A('i',[1],y=3))
import copy,pickle
for p in range(6): t(lambda: pickle.loads(pickle.dumps(A('d',[1.5,2]),p))); t(lambda: pickle.loads(pickle.dumps(A('u','aé'),p)))
sizes=[]; a=A('i')
for i in range(100): a.append(i); sizes.append(a.__sizeof__())
print(sizes)
sizes=[]
for i in range(100): a.pop(); sizes.append(a.__sizeof__())
print(sizes)
t(lambda: A('u','ab\0c')); t(lambda: A('d',[1.5,float('nan'),float('-inf')])); t(lambda: A('f',[0.1])); t(lambda: A('i',[])); t(lambda: A('u','')); t(lambda: A('u',"a'b")); t(lambda: A('u')==A('u')); t(lambda: A('b',b'\xff')); t(lambda: A('q',b'x'*8)); t(lambda: A('d',b'x'*8).byteswap())
import collections.abc
t(lambda: isinstance(A('i'),collections.abc.MutableSequence)); t(lambda: A('i',[1]).clear())
match A('i',[1,2]):
    case [x,y]: print('seq',x,y)
    case _: print('no')
