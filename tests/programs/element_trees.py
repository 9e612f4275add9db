# xml.etree.ElementTree: results and messages of expressions, targets, events, copies.
import copy
import io
import pickle
import re
import warnings
import _elementtree as E
import xml.etree.ElementTree as T
from xml.etree.ElementTree import *

e = Element('a', {'x': '1'}, y='2')
e.text, e.tail = 't', 'z'
b, c = SubElement(e, 'b'), SubElement(e, 'c')
b.text, b.tail = 'B', 'BT'


class My(Element):
    pass


EXPRESSIONS = r"""
Element()
Element(1).tag
Element('a',1)
Element('a',None)
Element('a',{},1)
Element('a',attrib={'x':1},y=2).attrib
Element('a',attrib=3)
Element('a',foo=3).attrib
Element(tag='a')
Element('a',{1:2}).attrib
SubElement()
SubElement(1)
SubElement(1,2)
SubElement(e)
SubElement(e,'z',3)
SubElement(Element('q'),'z',{'a':'b'},attrib={'c':'d'}).attrib
SubElement(Element('q'),'z',attrib={'c':'d'},e=4).attrib
SubElement(Element('q'),'z',attrib=4)
repr(Element(3))[:14]
repr(Element('q'))[:14]
len(e)
bool(e)
bool(Element('a'))
e[0]
e['a']
e[5]
e[-1].tag
e[-5]
e[0:1]
e[::-1]
e.append(1)
e.append()
e.extend(1)
e.extend([1])
e.insert(1)
e.insert(1,2)
e.insert('a',e)
e.remove(1)
e.remove(Element('a'))
e.find()
e.find('b').tag
e.find(1)
e.find('nope')
e.find('./b').tag
e.findtext('b')
e.findtext('c')
e.findtext('d')
e.findtext('d','dd')
e.findtext('b',default=3,namespaces={})
e.findall('b')
e.findall('*')
e.iterfind('b')
e.iter('b')
list(e.iter('b'))
list(e.iter('*'))
list(e.iter(None))
list(e.itertext())
e.itertext()
e.iter(1,2)
type(e.iter())
next(e.iter()).tag
type(e.iter()).__text_signature__
type(e.iter())()
e.get()
e.get('x')
e.get('q',3)
e.get(key='x',default=3)
e.set('a')
e.set('a','b')
e.keys()
e.items()
e.attrib
e.clear(1)
e.makeelement('a',3)
e.makeelement('a',{'q':'r'}).attrib
e.makeelement('a')
e.makeelement('a',{},3)
setattr(e,'attrib',3)
setattr(e,'attrib',{'z':'y'})
setattr(e,'tag',3)
e.tag
delattr(e,'tag')
delattr(e,'text')
delattr(e,'attrib')
delattr(e,'tail')
setattr(e,'foo',3)
e.__getstate__()
Element('a').__getstate__()
Element('a',{'b':'c'}).__getstate__()
e.__setstate__(3)
e.__setstate__({})
e.__setstate__({'tag':'q','_children':3})
e.__setstate__({'tag':'q','_children':[3]})
e.__setstate__({'tag':'q','attrib':3})
e.__setstate__({'tag':'q','text':3,'tail':None,'_children':[]})
e.text
e.__copy__()
e.__deepcopy__({})
e.__deepcopy__(3)
e.__reduce_ex__(2)
copy.copy(My('a')).__class__
copy.deepcopy(My('a')).__class__
e.__setitem__(0,3)
e.__setitem__(10,Element('a'))
e.__setitem__('a',Element('a'))
e.__setitem__(slice(0,1),3)
e.__setitem__(slice(0,1),[3])
e.__setitem__(slice(0,2,2),[Element('a'),Element('b')])
e.__delitem__(10)
e.__delitem__(slice(0,10,2))
e.__getitem__(slice('a',2))
TreeBuilder().close()
TreeBuilder(1)
TreeBuilder(element_factory=3)
TreeBuilder(element_factory=None)
TreeBuilder(foo=3)
TreeBuilder().start('a')
TreeBuilder().start('a',{})
TreeBuilder().start('a',None)
TreeBuilder().start('a',3)
TreeBuilder().start('a',{},3)
TreeBuilder().end('a')
TreeBuilder().data('a')
TreeBuilder().data(3)
TreeBuilder().comment('x')
TreeBuilder(insert_comments=True).comment('x')
TreeBuilder().pi('x')
TreeBuilder().pi('x','y')
TreeBuilder().pi('x','y','z')
TreeBuilder(comment_factory=lambda x:x+'!').comment('q')
TreeBuilder(pi_factory=lambda x,y=None:x+str(y)).pi('q')
TreeBuilder(pi_factory=lambda x,y=None:x+str(y)).pi('q','r')
XMLParser(1)
XMLParser(encoding=3)
XMLParser(encoding='foo')
XMLParser(target=3)
XMLParser(target=3).feed('<a/>')
XMLParser(target=3).close()
XMLParser(foo=3)
XMLParser().feed(3)
XMLParser().feed('a')
XMLParser().feed(b'a')
XMLParser().feed('<a>')
XMLParser().feed('<a><b/></a>')
XMLParser().close()
XMLParser()._parse_whole(3)
XMLParser()._setevents(3)
XMLParser()._setevents([],3)
XMLParser()._setevents([],['foo'])
XMLParser()._setevents([],[3])
XMLParser()._setevents([],3)
XMLParser()._setevents(3,['start'])
XMLParser().entity
XMLParser().target
XMLParser().version
XMLParser().foo
setattr(XMLParser(),'entity',3)
XMLParser().doctype('a','b','c')
Element.__init__(e)
Element.__new__(Element)
Element.__new__(Element).tag
repr(Element.__new__(Element))
XMLParser.__new__(XMLParser).feed('a')
XMLParser.__new__(XMLParser).close()
TreeBuilder.__new__(TreeBuilder).close()
TreeBuilder.__new__(TreeBuilder).start('a',{})
XMLParser.__new__(XMLParser).target
E.ParseError
E.ParseError.__mro__
(lambda e:(copy.copy(e).set('q',1),e.attrib))(Element('a',{'x':'y'}))
list(fromstring('<a>x<b>t</b>y</a>').itertext())
(lambda e:(e.append(Comment('cc')),list(e.itertext())))(fromstring('<a>x<b>t</b>y</a>'))
fromstring('<a>&foo;</a>')
fromstring('<a>')
fromstring('<a></b>')
fromstring('<a/><b/>')
fromstring('')
fromstring(b'\xff\xfe')
fromstring('<?xml version="1.0" encoding="foo"?><a/>')
fromstring(b'<?xml version="1.0" encoding="foo"?><a/>')
fromstring(b'<?xml version="1.0" encoding="cp1252"?><a>\x80</a>').text
fromstring('\ud800')
fromstring('<a xmlns="u" xmlns:p="v" p:x="1" y="2"><p:b/></a>').attrib
fromstring('<a xmlns="u" xmlns:p="v" p:x="1" y="2"><p:b/></a>')[0]
fromstring('<a>x<!-- c -->y<b/>z<!-- d -->w</a>').text
fromstring('<a>x<!-- c -->y<b/>z<!-- d -->w</a>')[0].tail
tostring(fromstring('<a>x<!-- c -->y<b/>z<?pi d?>w</a>',parser=XMLParser(target=TreeBuilder(insert_comments=True,insert_pis=True))))
E.XMLParser(target=TreeBuilder())._setevents([],['start','end','start-ns','end-ns','comment','pi'])
E.XMLParser(target=3)._setevents([])
E.XMLParser()._setevents([],[b'start','foo'])
E.XMLParser()._setevents([],'start')
(lambda b:(b.start('a',{}),b.end('a'),b.start('b',{})))(TreeBuilder())
(lambda b:(b.start('a',{}),b.data('x'),b.data('y'),b.end('a').text))(TreeBuilder())
(lambda b:(b.start('a',{}),b.data(1),b.data('y'),b.end('a').text))(TreeBuilder())
(lambda b:(b.start('a',{}),b.data(1),b.end('a').text))(TreeBuilder())
(lambda b:(b.start('a',{}),b.data('x'),b.comment('q'),b.data('y'),b.end('a').text))(TreeBuilder())
(lambda b:(b.start('a',{}),b.data('x'),b.pi('q'),b.data('y'),b.end('a').text))(TreeBuilder(element_factory=lambda t,a:Element(t+'X',a)))
(lambda b:b.start('a',{}))(TreeBuilder(element_factory=lambda t,a:(t,a)))
(lambda b:(b.start('a',{}),b.start('b',{})))(TreeBuilder(element_factory=lambda t,a:(t,a)))
(lambda b:(b.start('a',{}),b.data('x'),b.start('b',{})))(TreeBuilder(element_factory=lambda t,a:(t,a)))
(lambda p:(p.entity.update(foo='bar'),p.feed('<!DOCTYPE a [<!ENTITY % x SYSTEM "y"> %x;]><a>&foo;</a>'),p.close().text))(XMLParser())
(lambda p:(p.entity.update(foo='bar'),p.feed('<!DOCTYPE a [<!ENTITY % x SYSTEM "y"> %x;]><a>&foa;</a>'),p.close().text))(XMLParser())
(lambda p:(p.feed('<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'),p.close().text))(XMLParser())
(lambda p:(p.feed('<a/>'),p.close(),p.close()))(XMLParser())
(lambda p:(p.feed('<a/>'),p.close(),p.feed('x')))(XMLParser())
(lambda p:(p.feed('<a>'),p.feed('</b>')))(XMLParser())
[x for x in iter(Element('a'))]
next(iter(Element('a')))
Element('a').__iter__
reversed(Element('a'))
list(reversed(fromstring('<a><b/><c/></a>')))
Element('a') in fromstring('<a/>')
XMLPullParser(['start','foo'])
Element('a').find('')
Element('a').findall('{*}b')
Element('a').findall('{u}b.c')
fromstring('<a xmlns="u.v"><b/></a>').find('{u.v}b')
Element('a').findall(b'b')
Element('a').findall('b',{'x':'y'})
Element('a').find('x:b',{'x':'y'})
Element('a').find('x:b')
Element('a').get('x',default=1,foo=2)
Element('a').iter(tag='b')
TreeBuilder(insert_comments='x').comment('q')
bool(TreeBuilder(insert_pis=3))
XMLParser(target=None,encoding='latin-1').feed(b'<a>\xe9</a>')
E.XMLParser(encoding='utf-8').feed(bytearray(b'<a/>'))
repr((lambda e:(setattr(e,'tag',e),e)[1])(Element('a')))
Element('a',{'a':1},**{'b':2}).items()
Element('a')[::2]
Element('a').__getitem__('x')
Element('a').__setitem__(0,None)
Element('a').__delitem__('x')
SubElement(Element('a'),tag='b')
SubElement(Element('a'),'b',{'x':'y'},c='z').attrib
copy.deepcopy(fromstring('<a x="1">q<b>r</b>s</a>')).attrib
Element('a').__setstate__({'tag':'q','foo':3})
Element('a').__setstate__({'attrib':{}})
Element('a').__setstate__({'tag':'q','_children':(1,)})
"""

for expression in EXPRESSIONS.strip().splitlines():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        try:
            text = repr(eval(expression))
        except Exception as error:
            text = f'{type(error).__name__}: {error} {error.__dict__}'
    print(ascii(expression), '->', ascii(re.sub('0x[0-9a-f]+', 'ADDRESS', text)), [str(w.message) for w in caught] or '')


class ParserWithDoctype(XMLParser):
    def doctype(self, *parts):
        print('doctype', parts)


class Target:
    """Keeps all calls."""

    def __init__(self):
        self.calls = []

    def close(self):
        return self.calls


def keep(name):
    return lambda self, *parts: self.calls.append((name, parts))


for name in ('start', 'end', 'data', 'comment', 'pi', 'start_ns', 'end_ns', 'doctype'):
    setattr(Target, name, keep(name))

DOCUMENT = ('<!DOCTYPE a PUBLIC "pp" "ss"><a x="1" xmlns="uu" xmlns:q="vv" q:r="s">\nt&#233;\n<q:b/>x<!--cm--><?pp dd?>'
            '<?qq?></a>')
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter('always')
    parser = ParserWithDoctype()
    parser.feed(DOCUMENT)
    print(parser.close().tag, [(w.category, str(w.message)) for w in caught])
for text in (DOCUMENT, '<!DOCTYPE a SYSTEM "ss"><a/>', '<!DOCTYPE a><a/>'):
    parser = XMLParser(target=Target())
    parser.feed(text)
    print(parser.close())
for events in (['start', 'end', 'start-ns', 'end-ns', 'comment', 'pi'], None):
    queue, parser = [], XMLParser()
    parser._setevents(queue, events)
    parser.feed(DOCUMENT)
    parser.close()
    print([(event, (v.tag, v.text, v.tail) if isinstance(v, Element) else v) for event, v in queue])


class Failing:
    def start(self, tag, attributes):
        1 / 0


parser = XMLParser(target=Failing())
for text in ('<a>', '<b/>', '</a>'):
    try:
        parser.feed(text)
    except ZeroDivisionError as error:
        print(repr(error))

print(ElementTree().parse(io.StringIO(DOCUMENT)).tag, ElementTree().parse(io.BytesIO(DOCUMENT.encode())).tag,
      XMLParser(target=Target())._parse_whole(io.StringIO(DOCUMENT)))
root = fromstring(DOCUMENT)
print(tostring(copy.deepcopy(root)) == tostring(root) == tostring(pickle.loads(pickle.dumps(root))))
print([element.tag for element in root.iter()], list(root.itertext()))
