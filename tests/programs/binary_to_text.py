# binascii: codings and check sums.
import binascii
def t(f):
    try: print(repr(f()))
    except BaseException as e: print(type(e).__name__, e)
for n in sorted(n for n in dir(binascii) if not n.startswith('__')): print(n, getattr(getattr(binascii,n),'__text_signature__',None))
t(lambda: binascii.Error.__mro__); t(lambda: binascii.Incomplete.__mro__)
for s in (b'YWJj\n',b'YWJ',b'YW',b'Y',b'YWJj====',b'YW==Jj',b'Y===',b'====',b'YW=J',b'Y W J j',b'YWJj*',b'\xffYWJj',b'',b'=',b'YQ=a=',b'YWJjZ=',b'YWJjZA==xx',b'YQ==\n',b'Yg='):
    t(lambda: binascii.a2b_base64(s)); t(lambda: binascii.a2b_base64(s,strict_mode=True))
t(lambda: binascii.a2b_base64('YWJj')); t(lambda: binascii.a2b_base64('é')); t(lambda: binascii.a2b_base64(3)); t(lambda: binascii.a2b_base64()); t(lambda: binascii.a2b_base64(b'',b'')); t(lambda: binascii.a2b_base64(bytearray(b'YWJj')))
for d in (b'',b'a',b'ab',b'abc',b'abcd'*20):
    t(lambda: binascii.b2a_base64(d)); t(lambda: binascii.b2a_base64(d,newline=False)); t(lambda: binascii.hexlify(d)); t(lambda: binascii.crc32(d)); t(lambda: binascii.crc_hqx(d,0)); t(lambda:binascii.crc32(d,12345)); t(lambda:binascii.crc32(d,-1)); t(lambda:binascii.crc_hqx(d,2**20+5))
    t(lambda: binascii.b2a_uu(d)); t(lambda: binascii.b2a_uu(d,backtick=True)); t(lambda: binascii.b2a_hex(d,'-',2))
for s in (b'#86)C\n',b'',b' \n',b'`\n',b'#86)\n',b'#86)C\x7f',b'#86)CXX',b'$86)CZ   \n',b'-1',b'"86)C',b'\x10',b'#\x01aaa', b'!  \n'):
    t(lambda: binascii.a2b_uu(s))
for s in (b'6162',b'616',b'6z',b'',b'ABcd'): t(lambda: binascii.unhexlify(s)); t(lambda: binascii.a2b_hex(s.decode()))
for s in (b'a=3Db=\nc',b'a=',b'a==',b'=41',b'a_b',b'=\r\nx',b'=zz',b'=4',b'a=\tb', b'=\n', b'a=4\n'):
    t(lambda: binascii.a2b_qp(s)); t(lambda: binascii.a2b_qp(s,header=True))
for d in (b'a=b',b'a b ',b'a\tb\t\n',b'\x00\xff\n',b'.\n',b'.',b'a.b\n.\n',b'x'*100,b'_ _',b'a\r\nb \r\nc',b'a\nb\r\nc',b'=' * 40, b'ab '*40, b' \t', b'x'*75+b'\n',b'x'*76+b'\n',b'x'*77+b'\r\n',b'\r',b'a\rb',b'',b'a'*72+b'\xff\xff',b'.'*80,b' \n'):
    for kw in ({},{'quotetabs':True},{'istext':False},{'header':True},{'header':True,'quotetabs':True,'istext':False}):
        t(lambda: binascii.b2a_qp(d,**kw))
t(lambda: binascii.b2a_qp('a')); t(lambda: binascii.crc32('a')); t(lambda: binascii.crc32(b'a','b')); t(lambda: binascii.crc32(b'a',2**70)); t(lambda: binascii.crc_hqx(b'a')); t(lambda: binascii.b2a_uu(b'a'*46)); t(lambda: binascii.b2a_uu(b'a'*45)); t(lambda: binascii.hexlify(b'abc','::')); t(lambda: binascii.hexlify()); t(lambda: binascii.crc32())
