# Codecs, error handlers and their registry.
import warnings
warnings.simplefilter('ignore')
import codecs, sys
def t(f):
    try: print(repr(f()))
    except BaseException as e: print(type(e).__name__, e)
import _codecs
for n in sorted(n for n in dir(_codecs) if not n.startswith('__')):
    o=getattr(_codecs,n)
    print(n, getattr(o,'__text_signature__',None))
t(lambda: codecs.lookup('foo'))
t(lambda: codecs.lookup(3))
t(lambda: codecs.encode('a','foo'))
t(lambda: codecs.encode('a'))
t(lambda: codecs.encode('ä','ascii'))
t(lambda: codecs.encode('ä\ud800','utf8'))
t(lambda: codecs.encode(3,'ascii'))
t(lambda: codecs.decode('a','hex'))
t(lambda: codecs.decode(b'az','hex'))
t(lambda: b'az'.decode('hex'))
t(lambda: 'abc'.encode('rot13'))
t(lambda: b'a'.decode('foo'))
t(lambda: codecs.lookup_error('foo'))
t(lambda: codecs.lookup_error(3))
t(lambda: codecs.register_error('foo',3))
t(lambda: codecs.register(3))
t(lambda: codecs.strict_errors(3))
t(lambda: codecs.strict_errors())
t(lambda: codecs.ignore_errors(ValueError()))
t(lambda: codecs.replace_errors(ValueError()))
t(lambda: codecs.xmlcharrefreplace_errors(ValueError()))
U=UnicodeEncodeError('ascii','aä\u1234\U00012345\ud800b',1,5,'x')
D=UnicodeDecodeError('ascii',b'a\xe4\xffb',1,3,'x')
T=UnicodeTranslateError('aä\u1234b',1,3,'x')
for n in ('strict','ignore','replace','xmlcharrefreplace','backslashreplace','namereplace','surrogateescape','surrogatepass'):
    for x in (U,D,T): t(lambda: (n,codecs.lookup_error(n)(x)))
for s in (b'\xff',b'a\x80b',b'\xc0\x80',b'\xe2\x82',b'\xe2\x82a',b'\xf0\x90\x80',b'\xed\xa0\x80',b'\xf4\x90\x80\x80',b'\xf8\x88',b'\xe0\x80\x80',b'ab\xc3',b'\xc3\x28',b'\xf0\x28\x8c\xbc',b'abcdefghijklmnop\xff\xe2\x82\xacxyz\xf0\x9f\x98\x80'):
    for e in ('strict','replace','ignore','backslashreplace','surrogateescape','surrogatepass'):
        t(lambda: s.decode('utf-8',e))
        t(lambda: codecs.utf_8_decode(s,e,False))
for s in ('\ud800','a\udc80b','\udcff','x\udfff\ud800y','é\ud800'):
    for e in ('strict','replace','ignore','backslashreplace','surrogateescape','surrogatepass','xmlcharrefreplace','namereplace'):
        for c in ('utf-8','utf-16','utf-32','latin-1','ascii','cp1252','utf-7','utf-16-le','utf-32-be'):
            t(lambda: (c,e,s.encode(c,e)))
for s in (b'',b'\xff\xfe',b'\xfe\xff\x00a',b'\xff\xfea\x00b',b'\xff\xfe\x00\xd8',b'\xff\xfe\x00\xd8a\x00',b'\x00\xdca\x00',b'\xff\xfe\x00\x00a\x00\x00\x00',b'\x00\x00\xfe\xff\x00\x00\x00a',b'\x00\x00\x11\x00',b'\x00\xd8\x00\x00',b'abc',b'a\x00\x00'):
    for e in ('strict','replace','ignore','backslashreplace','surrogateescape','surrogatepass'):
        for c in ('utf-16','utf-32','utf-16-le','utf-16-be','utf-32-le','utf-32-be'):
            t(lambda: (c,e,s.decode(c,e)))
        t(lambda: codecs.utf_16_ex_decode(s,e,0,False))
        t(lambda: codecs.utf_32_ex_decode(s,e,0,False))
        t(lambda: codecs.utf_16_decode(s,e,False))
for s in (r'\u1234',r'\u12',r'\U00012345',r'\U00110000',r'\N{DIGIT ONE}',r'\N{foo}',r'\N',r'\N{',r'\N{}',r'\x4',r'\x41',r'\101\0\7',r'\400',r'\d',r'\ ',r'abc\\',"\\","\\\n",r'\ud800',r'ä\xe4', r'\a\b\f\n\r\t\v\'\"',r'\N{LATIN SMALL LETTER A WITH DIAERESIS}',r'\N{KEYCAP DIGIT ONE}', r'\U0001234', r'\uzzzz'):
    for e in ('strict','replace','ignore','backslashreplace'):
        t(lambda: codecs.unicode_escape_decode(s,e))
        t(lambda: codecs.raw_unicode_escape_decode(s,e))
        t(lambda: codecs.unicode_escape_decode(s,e,False))
        t(lambda: codecs.raw_unicode_escape_decode(s,e,False))
for s in ('abc\n\r\t\\\'"\x00\x7f\x80\xffĀ\u1234\U00012345\ud800',''):
    t(lambda: codecs.unicode_escape_encode(s)); t(lambda: codecs.raw_unicode_escape_encode(s)); t(lambda: codecs.utf_7_encode(s)); t(lambda: codecs.escape_encode(b'abc\n\'"\\\xff'))
for s in (b'+AGE-',b'+AGE',b'+',b'+-',b'a+b',b'\xff',b'+2AA-',b'+2ADcAA-',b'+AGE-b',b'~',b'+AG-',b'+A',b'+@',b'+A@',b'+AGEA-', b'+AGE\xff', b'+///+','Hi Mom -+Jjo--!'.encode(),b'+ZeVnLIqe-', b'+2AAAYQ-', b'a+ABcd',b'+AGEAYg', b'+2A', b'+2AA', b'+2AA=b', b'++',b'+++-'):
    for e in ('strict','replace','ignore','backslashreplace'):
        t(lambda: s.decode('utf-7',e))
        t(lambda: codecs.utf_7_decode(s,e,False))
for s in ('hi','+','~a','ä','aäb','ä-','äb','\U00012345','a\\b','£1','€','a\u2262\u0391.','日本語','Hi Mom -☺-!','Item 3 is £1.','\ud800', 'ä+ä', 'ä ä','ä\nä', '\x00', 'ä\udc00'):
    t(lambda: s.encode('utf-7'))
for s in (b'a\x81\x8d',):
    for e in ('strict','replace','ignore','backslashreplace','surrogateescape'):
        t(lambda: s.decode('cp1252',e)); t(lambda: s.decode('ascii',e))
t(lambda: codecs.charmap_decode(b'abc','strict',{97:'x',98:65,99:None}))
t(lambda: codecs.charmap_decode(b'abc','replace',{97:'x',98:65,99:None}))
t(lambda: codecs.charmap_decode(b'abc','strict',{97:'xyz',98:'',99:0x110000}))
t(lambda: codecs.charmap_decode(b'abc','strict',{97:'xyz',98:'',99:b'x'}))
t(lambda: codecs.charmap_decode(b'ab','strict','x'*98+'\ufffe'))
t(lambda: codecs.charmap_decode(b'abc','strict','x'*98+'\ufffe'))
t(lambda: codecs.charmap_decode(b'abc','ignore','x'*98+'\ufffe'))
t(lambda: codecs.charmap_decode(b'abc','strict',None))
t(lambda: codecs.charmap_decode(b'abc','strict',[1,2]))
t(lambda: codecs.charmap_encode('abc','strict',{97:120,98:b'yz',99:None}))
t(lambda: codecs.charmap_encode('abc','replace',{97:120,98:b'yz',63:b'?'}))
t(lambda: codecs.charmap_encode('abc','replace',{97:120,98:b'yz'}))
t(lambda: codecs.charmap_encode('abc','strict',{97:300}))
t(lambda: codecs.charmap_encode('abc','strict',{97:'x'}))
t(lambda: codecs.charmap_encode('abc','xmlcharrefreplace',{97:120,98:b'yz',38:38,35:35,57:57,59:59}))
t(lambda: codecs.charmap_encode('abc\xff','strict',None))
t(lambda: codecs.charmap_encode('abc\u1234','strict',None))
m=codecs.charmap_build(''.join(map(chr,range(256))))
t(lambda: type(m)); t(lambda: codecs.charmap_encode('a\xffb','strict',m)); t(lambda: codecs.charmap_encode('a\u1234b','strict',m)); t(lambda: codecs.charmap_encode('a\u1234b','replace',m))
t(lambda: type(codecs.charmap_build('a'*256)))
t(lambda: type(codecs.charmap_build('\u1234\U00012345')))
t(lambda: codecs.charmap_build(3))
t(lambda: 'abc'.translate({97:None,98:'xyz',99:0x1234}))
t(lambda: 'abc'.translate('x'*99))
t(lambda: 'abc'.translate({97:0x110000}))
t(lambda: 'abc'.translate({97:b'x'}))
t(lambda: 'abc'.translate({97:'ä'}))
t(lambda: 'aäb'.translate({97:'ä',228:None}))
t(lambda: codecs.latin_1_encode('aĀ\u1234b','replace'))
t(lambda: codecs.latin_1_encode('aĀ\u1234b'))
t(lambda: codecs.ascii_encode('aĀ\u1234b','xmlcharrefreplace'))
t(lambda: codecs.ascii_encode('aĀ\u1234b','foo'))
t(lambda: codecs.ascii_encode(b'a'))
t(lambda: codecs.ascii_encode('a',3))
t(lambda: codecs.ascii_encode('a',None))
t(lambda: codecs.ascii_encode())
t(lambda: codecs.utf_8_decode('a'))
t(lambda: codecs.utf_8_decode(b'a','strict',1,2))
t(lambda: codecs.readbuffer_encode('aä'))
t(lambda: codecs.readbuffer_encode(b'a'))
t(lambda: codecs.escape_encode('a'))
def h(exc):
    h.n+=1
    if h.n>4: raise KeyError('loop')
    return h.ret
codecs.register_error('h',h)
for ret in (('x',1),('x',-1),('x',100),('x',),'x',(3,1),(b'x',1),('ä',2),(b'\xff',2),('x','y'),('',3),(b'',2), ('xx',-100), None):
    h.ret=ret
    for c in ('ascii','latin-1','utf-8','utf-16','utf-32','cp1252','utf-7'):
        h.n=0
        t(lambda: (c,ret,'ab\ud800c'.encode(c,'h')))
        h.n=0
        t(lambda: (c,ret,b'ab\xff\x8f'.decode(c,'h')))
t(lambda: codecs.decode('abc','rot13')); t(lambda: codecs.encode('abc','rot13'))
t(lambda: str(b'abc','ascii','foo')); t(lambda: str(b'ab\xff','ascii','foo'))
t(lambda: str('a','ascii')); t(lambda: str(3,'ascii'))
t(lambda: 'a'.encode('a\0'))
t(lambda: codecs.lookup('a'*1000)); t(lambda: codecs.lookup('UTF 8').name); t(lambda: codecs.lookup('Utf__8').name)
codecs.register(lambda n: 3 if n=='bad1' else (1,2) if n=='bad2' else None)
t(lambda: codecs.lookup('bad1')); t(lambda: codecs.lookup('bad2'))
codecs.register(lambda n: (lambda s,e='strict': 3, lambda s,e='strict': (3,4), None,None) if n=='bad3' else None)
t(lambda: codecs.encode('a','bad3')); t(lambda: codecs.decode('a','bad3')); t(lambda: 'a'.encode('bad3')); t(lambda: b'a'.decode('bad3'))
t(lambda: codecs.unregister(3))
t(lambda: codecs.getincrementalencoder('bad3'))
t(lambda: _codecs._forget_codec('bad3'))
t(lambda: _codecs._forget_codec('bad3'))
