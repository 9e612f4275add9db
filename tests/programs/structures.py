# struct: every format with values that fit and that do not.
import _struct as S
def t(f):
    try: print(repr(f()))
    except BaseException as e: print(type(e).__name__, e)
for n in sorted(n for n in dir(S) if not n.startswith('__')): print(n, getattr(getattr(S,n),'__text_signature__',None), type(getattr(S,n)).__name__)
print({k:(type(v).__name__,getattr(v,'__text_signature__','?')) for k,v in S.Struct.__dict__.items() if k!='__doc__'}, S.Struct.__flags__ , S.Struct.__basicsize__, S.Struct.__text_signature__)
print(S.error.__mro__, S.error.__module__)
U=type(S.iter_unpack('b',b''))
print(U, {k:type(v).__name__ for k,v in U.__dict__.items()}, U.__flags__)
t(lambda: S.Struct()); t(lambda: S.Struct(3)); t(lambda: S.Struct('é')); t(lambda: S.Struct(b'i').format); t(lambda: S.Struct('i').format); t(lambda: S.Struct('z')); t(lambda: S.Struct('3')); t(lambda: S.Struct('99999999999999999999i')); t(lambda: S.Struct('9999999999999999999i')); t(lambda: S.Struct('<P')); t(lambda: S.Struct('<n')); t(lambda: S.Struct(' i  3h ').size); t(lambda: S.Struct('i 3 h').size); t(lambda: S.Struct('\0')); t(lambda: S.Struct(format='i').size); t(lambda: S.Struct('i','i'))
for f in ('@bi','=bi','<bi','>bi','!bi','bq','iq','b0i','b0q','c?','10s','0s','p','5p','0p','3x','x','e','d','ff','nN','P','lL','qQ','hH','5s3p','','  ','2i3hb'):
    t(lambda: (f,S.calcsize(f)))
t(lambda: S.pack('i')); t(lambda: S.pack('i',1,2)); t(lambda: S.pack('i','a')); t(lambda: S.pack()); t(lambda: S.pack(3)); t(lambda: S.pack('i',1.0)); t(lambda: S.pack('f','a')); t(lambda: S.pack('c','a')); t(lambda: S.pack('c',b'ab')); t(lambda: S.pack('3s','abc')); t(lambda: S.pack('3s',b'abcde')); t(lambda: S.pack('3s',bytearray(b'a'))); t(lambda: S.pack('5p',b'abcdefg')); t(lambda: S.pack('5p','a')); t(lambda: S.pack('300p',b'x'*400)[:3]); t(lambda: S.pack('0p',b'a')); t(lambda: S.pack('0s',b'a')); t(lambda: S.pack('?','')); t(lambda: S.pack('??',[1],None))
for o in '@=<>':
    for c in 'bBhHiIlLqQnN':
        for v in (0,1,-1,127,128,-128,-129,255,256,32767,32768,-32769,65535,65536,2**31-1,2**31,-2**31,-2**31-1,2**32-1,2**32,2**63-1,2**63,-2**63,-2**63-1,2**64-1,2**64,2**70,-2**70,1.5,'a',None):
            t(lambda: (o+c,v,S.pack(o+c,v)))
    for c in 'efd':
        for v in (0,1.5,-2.25,1e10,1e39,1e300,float('inf'),float('-inf'),65504.0,65520.0,1e-8,6e-8,0.1,-0.0,10**400,3,'a'):
            t(lambda: (o+c,v,S.pack(o+c,v)))
        t(lambda: S.unpack(o+c,S.pack(o+c,float('nan')))[0]!=0)
    for f,b in (('b',b'\xff'),('B',b'\xff'),('h',b'\xff\xfe'),('H',b'\xff\xfe'),('i',b'\xff\xfe\xfd\xfc'),('I',b'\xff\xfe\xfd\xfc'),('q',b'\xff\xfe\xfd\xfc\x01\x02\x03\x04'),('Q',b'\xff\xfe\xfd\xfc\x01\x02\x03\x04'),('3s',b'abc'),('5p',b'\x02abcd'),('5p',b'\x09abcd'),('?',b'\x02'),('?',b'\0'),('c',b'z'),('xb',b'\x01\x02'),('bxh',b'\x01\0\x02\x03'),('0s',b''),('3c',b'abc'),('2x',b'ab'),('p',b'a'),('1p',b'\0')):
        t(lambda: (o+f,S.unpack(o+f,b)))
class I:
    def __index__(self): return 5
class I2:
    def __index__(self): return 'a'
class F:
    def __float__(self): return 2.5
t(lambda: S.pack('i',I())); t(lambda: S.pack('i',I2())); t(lambda: S.pack('P',I())); t(lambda: S.pack('P',-1)); t(lambda: S.pack('P',2**64)); t(lambda: S.pack('P','a')); t(lambda: S.pack('d',F())); t(lambda: S.pack('n',I())); t(lambda: S.pack('?',I()))
t(lambda: S.unpack('i',b'abc')); t(lambda: S.unpack('i',b'abcde')); t(lambda: S.unpack('i','abcd')); t(lambda: S.unpack('i')); t(lambda: S.unpack_from('i',b'abc')); t(lambda: S.unpack_from('i',b'abcdefgh',5)); t(lambda: S.unpack_from('i',b'abcdefgh',4)); t(lambda: S.unpack_from('i',b'abcdefgh',-4)); t(lambda: S.unpack_from('i',b'abcdefgh',-3)); t(lambda: S.unpack_from('i',b'abcdefgh',-10)); t(lambda: S.unpack_from('i',buffer=b'abcdefgh',offset=2)); t(lambda: S.unpack_from('i')); t(lambda: S.unpack_from('i',b'abcdefgh','a')); t(lambda: S.unpack_from('i',b'abcdefgh',9))
b=bytearray(8)
t(lambda: S.pack_into('i',b,2,5)); t(lambda: b); t(lambda: S.pack_into('i',b,5,5)); t(lambda: S.pack_into('i',b,-3,5)); t(lambda: S.pack_into('i',b,-10,5)); t(lambda: S.pack_into('i',b,-4,7)); t(lambda: b); t(lambda: S.pack_into('i',b'abcd',0,1)); t(lambda: S.pack_into('i',b)); t(lambda: S.pack_into('i',b,0)); t(lambda: S.pack_into('i')); t(lambda: S.pack_into()); t(lambda: S.pack_into('i',b,'a',1)); t(lambda: S.pack_into('i',b,0,1,2)); t(lambda: S.pack_into('i',b,100,1)); t(lambda: S.pack_into('i',b,0,'a'))
s=S.Struct('>hb')
t(lambda: s.pack(1)); t(lambda: s.pack(1,2)); t(lambda: s.pack_into(b,0)); t(lambda: s.pack_into(b)); t(lambda: s.pack_into()); t(lambda: s.unpack(b'abc')); t(lambda: s.unpack(b'ab')); t(lambda: s.unpack()); t(lambda: s.unpack_from(b'abcd',1)); t(lambda: s.size); t(lambda: s.format); t(lambda: setattr(s,'size',3)); t(lambda: s.__sizeof__()); t(lambda: repr(s)[:20]); t(lambda: S.Struct('2i3s').__sizeof__()); t(lambda: S.Struct('').__sizeof__())
t(lambda: list(s.iter_unpack(b'abcdef'))); t(lambda: list(s.iter_unpack(b'abcde'))); t(lambda: S.iter_unpack('',b'')); t(lambda: S.iter_unpack('b','a')); t(lambda: list(S.iter_unpack('b',b''))); it=s.iter_unpack(b'abcdef'); t(lambda: it.__length_hint__()); t(lambda: next(it)); t(lambda: it.__length_hint__()); t(lambda: list(it)); t(lambda: next(it)); t(lambda: it.__length_hint__()); t(lambda: type(it)())
t(lambda: S._clearcache()); t(lambda: S._clearcache(1))
import copy,pickle; t(lambda: pickle.dumps(s)); t(lambda: copy.copy(s))
class Sub(S.Struct):
    def __init__(self): super().__init__('i')
t(lambda: Sub().size)
t(lambda: S.pack('2147483647x')[:2] if 0 else None); t(lambda: S.calcsize('9223372036854775807x')); t(lambda: S.calcsize('9223372036854775807xb')); t(lambda: S.calcsize('9223372036854775807b1b')); t(lambda: S.calcsize('4611686018427387904h')); t(lambda: S.calcsize('3'))
t(lambda: S.calcsize(b'i')); t(lambda: S.calcsize()); t(lambda: S.calcsize(3)); t(lambda: S.pack(b'h',1)); t(lambda: S.unpack(b'h',b'ab')); t(lambda: S.calcsize('<3')); t(lambda: S.calcsize('i<i')); t(lambda: S.unpack('2s2s',memoryview(b'abcdefgh')[::2]))
