# Dates, times, durations and zones: results and messages of expressions, and every form that fromisoformat() takes.
import os
import time as clock
from datetime import *
from datetime import UTC, MAXYEAR, MINYEAR
from fractions import Fraction

os.environ["TZ"] = "Europe/Berlin"
clock.tzset()


class Zone(tzinfo):
    def __init__(self, *answers):
        self.answers = answers

    def utcoffset(self, moment):
        return self.answers[0]

    def dst(self, moment):
        return self.answers[1]

    def tzname(self, moment):
        return self.answers[2]


class Incomplete(tzinfo):
    pass


class OddFloat(float):
    def __new__(cls, ratio):
        self = float.__new__(cls, 1.5)
        self.ratio = ratio
        return self

    def as_integer_ratio(self):
        return self.ratio


DAY, MOMENT, HOUR, SPAN = date(2020, 2, 3), datetime(2020, 2, 3, 4, 5, 6, 7), time(1, 2, 3, 4), timedelta(1, 2, 3)
AWARE, LARGE = MOMENT.replace(tzinfo=timezone.utc), timedelta.max

EXPRESSIONS = r"""
date()
date(1)
date(1,2)
date(1,2,3,4)
date(year=1,month=2,foo=3)
date(0,1,1)
date(10000,1,1)
date(2020,13,1)
date(2020,0,1)
date(2021,2,29)
date(2020,1,0)
date('a',1,1)
date(1.0,1,1)
date(2**40,1,1)
date(2**80,1,1)
date(b'\x07\xe4\x02\x03')
date(b'\x07\xe4\x0d\x03')
date(b'\x07\xe4\x0d')
date('\x07\xe4\x02\x03')
date('\x07\xe4\x0d\x03')
date('\x07\u1234\x02\x03')
date.fromtimestamp()
date.fromtimestamp('a')
date.fromtimestamp(1e20)
date.fromtimestamp(10**15)
date.fromtimestamp(10**30)
date.fromtimestamp(float('nan'))
date.fromtimestamp(1,2)
datetime.fromtimestamp(-1e12)
datetime.fromtimestamp(1e12)
datetime.fromtimestamp(1e13)
datetime.fromtimestamp(10**16)
datetime.utcfromtimestamp(10**16)
datetime.fromtimestamp(1,3)
datetime.fromtimestamp(1,tz=3)
datetime.fromtimestamp()
datetime.fromtimestamp(timestamp=1,tz=timezone.utc)
datetime.fromtimestamp(timestamp=1,tzz=timezone.utc)
datetime.fromtimestamp('a')
datetime.fromtimestamp(float('nan'))
datetime.fromtimestamp(float('inf'))
datetime.fromtimestamp(1, Incomplete())
date.fromordinal()
date.fromordinal('a')
date.fromordinal(0)
date.fromordinal(-1)
date.fromordinal(10**7)
date.fromordinal(10**12)
date.fromordinal(3652059)
date.fromisoformat(1)
date.fromisoformat('abc')
date.fromisoformat('2020-13-01')
date.fromisoformat('2020-02-30')
date.fromisoformat('2020-W54-1')
date.fromisoformat('2020-W53-1')
date.fromisoformat('2020-W53-8')
date.fromisoformat('2020-W53-0')
date.fromisoformat('2021-W53-1')
date.fromisoformat('2020W531')
date.fromisoformat('2020W53')
date.fromisoformat('2020-W53')
date.fromisoformat('20200203')
date.fromisoformat('2020-0203')
date.fromisoformat('202002-03')
date.fromisoformat('2020-02')
date.fromisoformat('202002')
date.fromisoformat('2020-W531')
date.fromisoformat('2020W53-1')
date.fromisoformat('0000-01-01')
date.fromisoformat('0000-W01-1')
date.fromisoformat('2020-02-03\ud800')
date.fromisoformat('2020-02-0\ud800')
date.fromisoformat('2020-02-0\u0663')
date.fromisoformat('9999-W53-1')
date.fromisoformat('9999-W52-7')
date.fromisocalendar(2020,1)
date.fromisocalendar(2020,1,8)
date.fromisocalendar(2020,54,1)
date.fromisocalendar(2021,53,1)
date.fromisocalendar(0,53,1)
date.fromisocalendar(9999,53,1)
date.fromisocalendar(10000,53,1)
date.fromisocalendar(2020,0,1)
date.fromisocalendar(2020,-5,1)
date.fromisocalendar(2020,5,0)
date.fromisocalendar(2**33,5,1)
date.fromisocalendar(2020,2**33,1)
date.fromisocalendar(2020,5,2**70)
date.fromisocalendar(2020.0,5,2)
date.fromisocalendar(year=2020,week=5,day=2)
date.today(1)
DAY.replace('a')
DAY.replace(2020,1,2,3)
DAY.replace(year=0)
DAY.replace(foo=1)
DAY.strftime()
DAY.strftime(1)
DAY.strftime('%Y %z %Z %f %:z %% %')
DAY.strftime('%')
DAY.strftime('a\0b%Y\0')
DAY.strftime('\ud800%Y')
MOMENT.strftime('%f %z %Z')
AWARE.strftime('%f %z %Z')
HOUR.strftime('%Y %f')
format(DAY,'')
format(DAY,'%d')
DAY.__format__(1)
HOUR.__format__(1)
DAY.ctime()
MOMENT.ctime()
date(5,1,1).ctime()
date(5,1,1).strftime('%Y %G')
date(5,1,1).strftime('%y')
DAY.timetuple()
MOMENT.timetuple()
AWARE.utctimetuple()
datetime.min.replace(tzinfo=timezone.max).utctimetuple()
datetime.max.replace(tzinfo=timezone.min).utctimetuple()
DAY.isocalendar()
DAY.isocalendar()._replace
type(DAY.isocalendar())
type(DAY.isocalendar())(1,2,3)
DAY.isocalendar().__reduce__()
DAY.isocalendar().year
type(DAY.isocalendar()).__mro__
type(DAY.isocalendar()).__module__
type(DAY.isocalendar())()
DAY.isocalendar()==(2020,6,1)
DAY.isoformat(1)
DAY.__reduce__()
DAY<1
DAY<MOMENT
MOMENT<DAY
DAY==MOMENT
DAY==1
DAY-1
DAY+1
DAY-DAY
DAY-MOMENT
MOMENT-DAY
DAY+SPAN
SPAN+DAY
DAY-SPAN
SPAN-DAY
date.max+SPAN
date.min-SPAN
DAY+LARGE
MOMENT+LARGE
MOMENT-LARGE
MOMENT-AWARE
MOMENT<AWARE
AWARE<MOMENT
AWARE==MOMENT
AWARE<1
AWARE<DAY
HOUR<1
HOUR<time(1,tzinfo=timezone.utc)
HOUR+HOUR
SPAN<1
SPAN==1
SPAN+1
1+SPAN
SPAN-1
SPAN*1.5
SPAN*1.5j
SPAN*Fraction(1,2)
SPAN*'a'
SPAN/0
SPAN/0.0
SPAN//0
SPAN%0
SPAN%SPAN
SPAN//SPAN
SPAN/SPAN
SPAN//1.5
SPAN/'a'
SPAN%'a'
SPAN%timedelta(0)
SPAN//timedelta(0)
SPAN/timedelta(0)
divmod(SPAN,timedelta(0))
divmod(SPAN,timedelta(0,3))
divmod(SPAN,1)
SPAN*float('nan')
SPAN*float('inf')
SPAN/float('nan')
SPAN*1e300
SPAN*10**30
SPAN/1e-300
timedelta(10**9)
timedelta(-10**9)
timedelta(10**10)
timedelta(10**30)
timedelta(1e30)
timedelta(float('nan'))
timedelta(float('inf'))
timedelta('a')
timedelta(seconds='a')
timedelta(weeks='a')
timedelta(1,2,3,4,5,6,7,8)
timedelta(foo=1)
timedelta(days=1.5,seconds=.3,microseconds=.5)
timedelta(1, days=3)
timedelta(Fraction(1,2))
timedelta(True)
-timedelta.max
abs(timedelta.min)
-timedelta.min
LARGE+timedelta(1)
LARGE*2
repr(SPAN)
repr(timedelta())
repr(timedelta(-1))
repr(timedelta(0,1))
repr(timedelta(0,0,1))
repr(timedelta(0,-1,1))
str(SPAN)
str(-SPAN)
str(timedelta(-1))
str(timedelta(5))
str(timedelta(1,3))
str(timedelta.min)
SPAN.__reduce__()
SPAN.total_seconds()
SPAN.total_seconds(1)
hash(SPAN)==hash(timedelta(1,2,3))
SPAN.days
time(24)
time(1,60)
time(1,1,60)
time(1,1,1,10**6)
time(1,1,1,-1)
time(-1)
time(1,tzinfo=1)
time(1,fold=2)
time(1,fold=-1)
time(1,fold='a')
time(1,2,3,4,None,5)
time(1,2,3,4,None,fold=1)
time(foo=1)
time('a')
time(b'')
time(b'\1\2\3\4\5\6')
time(b'\1\2\3\x0f\xff\xff')
time(b'\x81\2\3\0\0\6')
time(b'\x81\2\3\0\0\6',None)
time(b'\x81\2\3\0\0\6',1)
time(b'\x81\2\3\0\0\6',timezone.utc,3)
time('\x81\2\3\0\0\6')
time('\x81\2\u0333\0\0\6')
time('\x81\2\3\0\0')
repr(HOUR)
repr(time())
repr(time(0,0,1))
repr(time(0,0,0,1,timezone.utc,fold=1))
str(HOUR)
HOUR.isoformat('x')
HOUR.isoformat(1)
HOUR.isoformat('hours')
HOUR.isoformat('minutes')
HOUR.isoformat('seconds')
HOUR.isoformat('milliseconds')
HOUR.isoformat('microseconds')
HOUR.isoformat(timespec='auto')
HOUR.isoformat(timespec='auto\ud800')
HOUR.isoformat(foo='auto')
HOUR.utcoffset()
time(tzinfo=Incomplete()).utcoffset()
time(tzinfo=Incomplete()).dst()
time(tzinfo=Incomplete()).tzname()
time(tzinfo=Zone(1,2,3)).utcoffset()
time(tzinfo=Zone(1,2,3)).dst()
time(tzinfo=Zone(1,2,3)).tzname()
time(tzinfo=Zone(timedelta(1),2,3)).utcoffset()
time(tzinfo=Zone(timedelta(-1),2,3)).utcoffset()
time(tzinfo=Zone(None,timedelta(1),3)).dst()
time(tzinfo=Zone(timedelta(0,1,2),timedelta(1),3)).isoformat()
str(time(1,tzinfo=Zone(timedelta(-1,1,2),timedelta(1),3)))
hash(time(tzinfo=Zone(1,1,1)))
HOUR.replace(tzinfo=1)
HOUR.replace(hour=25)
HOUR.replace(fold=7)
HOUR.replace(foo=7)
HOUR.__reduce__()
time(1,fold=1,tzinfo=timezone.utc).__reduce__()
time(1,fold=1,tzinfo=timezone.utc).__reduce_ex__(3)
time(1,fold=1,tzinfo=timezone.utc).__reduce_ex__(4)
HOUR.__reduce_ex__()
HOUR.__reduce_ex__('a')
MOMENT.__reduce_ex__(2)
MOMENT.replace(fold=1).__reduce_ex__(2)
MOMENT.replace(fold=1).__reduce_ex__(4)
AWARE.replace(fold=1).__reduce_ex__(4)
AWARE.__reduce__()
time.fromisoformat(1)
time.fromisoformat('')
time.fromisoformat('T')
time.fromisoformat('T01')
time.fromisoformat('01')
time.fromisoformat('0102')
time.fromisoformat('010203')
time.fromisoformat('01:0203')
time.fromisoformat('0102:03')
time.fromisoformat('01:02:03.')
time.fromisoformat('01:02:03.1')
time.fromisoformat('01:02:03.12')
time.fromisoformat('01:02:03,12')
time.fromisoformat('010203,1234567')
time.fromisoformat('010203,123456789')
time.fromisoformat('010203,123456a')
time.fromisoformat('01:02,5')
time.fromisoformat('01:02:03.1234567a')
time.fromisoformat('24:00')
time.fromisoformat('01:60')
time.fromisoformat('01:02Z')
time.fromisoformat('01:02z')
time.fromisoformat('01Z')
time.fromisoformat('01ZZ')
time.fromisoformat('01:02+')
time.fromisoformat('01:02+0')
time.fromisoformat('01:02+01')
time.fromisoformat('01:02+0102')
time.fromisoformat('01:02-01:02')
time.fromisoformat('01:02-01:02:03')
time.fromisoformat('01:02-01:02:03.4')
time.fromisoformat('01:02-010203.456789')
time.fromisoformat('01:02+24:00')
time.fromisoformat('01:02+23:59:59.999999')
time.fromisoformat('01:02+00:00')
time.fromisoformat('01:02-00:00')
time.fromisoformat('01:02-00:00:00.000001')
time.fromisoformat('01:02+01:60')
time.fromisoformat('01:02Z+01')
time.fromisoformat('01:02+01Z')
time.fromisoformat('01:02 ')
time.fromisoformat('1:02')
time.fromisoformat('01:2')
time.fromisoformat('\ud800')
time.fromisoformat('01:02\ud800')
time.fromisoformat('12:30-')
time.fromisoformat('12-30')
datetime.fromisoformat(1)
datetime.fromisoformat('')
datetime.fromisoformat('2020')
datetime.fromisoformat('2020-02-03')
datetime.fromisoformat('2020-02-03T')
datetime.fromisoformat('2020-02-03T1')
datetime.fromisoformat('2020-02-03T11')
datetime.fromisoformat('2020-02-03\u123411')
datetime.fromisoformat('2020-02-03\ud80011')
datetime.fromisoformat('2020-02-03\ud80011\ud800')
datetime.fromisoformat('\ud800020-02-03\ud80011')
datetime.fromisoformat('20200203T11')
datetime.fromisoformat('20200203 1122')
datetime.fromisoformat('202002031122')
datetime.fromisoformat('20200203011122')
datetime.fromisoformat('2020W01T11')
datetime.fromisoformat('2020W011T11')
datetime.fromisoformat('2020W01111')
datetime.fromisoformat('2020W0111122')
datetime.fromisoformat('2020-W01T11')
datetime.fromisoformat('2020-W01-1T11')
datetime.fromisoformat('2020-W01-11122')
datetime.fromisoformat('2020-W01-1')
datetime.fromisoformat('2020-W01')
datetime.fromisoformat('2020W01')
datetime.fromisoformat('2020W011')
datetime.fromisoformat('2020-01-01T24:00')
datetime.fromisoformat('2020-13-01T24:00')
datetime.fromisoformat('2020-12-01T12:00+25')
datetime.fromisoformat('2020-12-01T12:00Z')
datetime.fromisoformat('2020-12-01T12:00:00.123+01:00')
datetime.fromisoformat('2020-02-03T11:22:33.123456789')
datetime()
datetime(1)
datetime(1,2)
datetime(1,2,3,4,5,6,7,8)
datetime(1,2,3,4,5,6,7,None,9)
datetime(1,2,3,fold=9)
datetime(1,2,3,foo=9)
datetime(1,2,3,24)
datetime(0,2,3,24)
datetime('a',2,3,24)
datetime(b'\x07\xe4\x82\x03\4\5\6\0\0\7')
datetime(b'\x07\xe4\x82\x03\4\5\6\0\0\7',timezone.utc)
datetime(b'\x07\xe4\x82\x03\4\5\6\0\0\7',1)
datetime(b'\x07\xe4\x82\x03\4\5\6\0\0\7',1,2)
datetime(b'\x07\xe4\x8f\x03\4\5\6\0\0\7',1,2)
datetime('\x07\xe4\x82\x03\4\5\6\0\0\7')
datetime('\x07\xe4\x82\x03\4\5\6\0\0\u1234')
datetime.now(1)
datetime.now(1,2)
datetime.now(tz=Incomplete())
datetime.utcnow(1)
datetime.strptime('a')
datetime.strptime('a','b')
datetime.strptime('2020','%Y')
datetime.strptime('2020 +0100 GMT','%Y %z %Z')
datetime.strptime(1,'%Y')
datetime.combine(1,2)
datetime.combine(DAY,2)
datetime.combine(DAY,HOUR)
datetime.combine(DAY,HOUR,1)
datetime.combine(DAY,HOUR,timezone.utc)
datetime.combine(DAY,time(1,tzinfo=timezone.utc,fold=1))
datetime.combine(date=DAY,time=HOUR,tzinfo=None)
datetime.combine(DAY)
MOMENT.isoformat('x')
MOMENT.isoformat('xx')
MOMENT.isoformat(1)
MOMENT.isoformat('\ud800')
MOMENT.isoformat('\U0001F600','hours')
MOMENT.isoformat(timespec='foo')
MOMENT.isoformat(timespec='milliseconds')
MOMENT.isoformat(timespec=None)
AWARE.isoformat()
str(AWARE)
repr(AWARE)
repr(AWARE.replace(fold=1))
repr(MOMENT)
repr(datetime(1,2,3))
repr(datetime(1,2,3,0,0,4))
MOMENT.astimezone(1)
MOMENT.astimezone(Zone(None,None,None))
AWARE.astimezone(Zone(None,None,None))
AWARE.astimezone(Zone(timedelta(0),None,None))
AWARE.astimezone(Incomplete())
AWARE.astimezone(tz=None)
AWARE.astimezone(tzz=None)
AWARE.timestamp()
datetime(1,1,1).timestamp()
datetime.max.timestamp()
datetime.max.astimezone()
datetime.min.astimezone()
MOMENT.timestamp(1)
MOMENT.replace(tzinfo=3)
MOMENT.replace(hour=30)
MOMENT.replace(fold=30)
MOMENT.replace(1,2,3,4,5,6,7,None,1)
MOMENT.replace(foo=1)
MOMENT.utcoffset(1)
tzinfo().utcoffset(MOMENT)
tzinfo().dst(MOMENT)
tzinfo().tzname(MOMENT)
tzinfo().fromutc(MOMENT)
tzinfo().fromutc(1)
tzinfo().utcoffset()
Zone(None,None,None).fromutc(MOMENT.replace(tzinfo=Zone(None,None,None)))
(lambda t: t.fromutc(MOMENT.replace(tzinfo=t)))(Zone(None,None,None))
(lambda t: t.fromutc(MOMENT.replace(tzinfo=t)))(Zone(timedelta(0),None,None))
(lambda t: t.fromutc(MOMENT.replace(tzinfo=t)))(Zone(timedelta(0),timedelta(0),None))
tzinfo().__reduce__()
tzinfo(1,2,a=3)
tzinfo.__reduce__(tzinfo())
Zone(1,2,3).__reduce__()
timezone()
timezone(1)
timezone(timedelta(1))
timezone(timedelta(-1))
timezone(timedelta(1)-timedelta.resolution)
timezone(timedelta(0))
timezone(timedelta(0)) is timezone.utc
timezone(timedelta(0),'x')
timezone(timedelta(0),'')
timezone(timedelta(0),None)
timezone(timedelta(0),1)
timezone(timedelta(0),name='UTC')
timezone(offset=timedelta(0),nam='UTC')
timezone(timedelta(hours=1),'UTC').utcoffset(1)
timezone(timedelta(hours=1),'UTC').utcoffset(None)
timezone(timedelta(hours=1),'UTC').dst(None)
timezone(timedelta(hours=1),'UTC').dst(1)
timezone(timedelta(hours=1),'UTC').tzname(1)
timezone(timedelta(hours=1),'UTC').tzname(MOMENT)
timezone(timedelta(hours=-1)).tzname(MOMENT)
timezone(timedelta(hours=-1,seconds=3)).tzname(MOMENT)
timezone(timedelta(hours=-1,microseconds=3)).tzname(MOMENT)
timezone(timedelta(hours=1),'UTC').fromutc(1)
timezone(timedelta(hours=1),'UTC').fromutc(MOMENT)
timezone(timedelta(hours=1),'UTC').fromutc(AWARE)
timezone(timedelta(hours=1),'UTC').__getinitargs__()
timezone(timedelta(hours=1)).__getinitargs__()
timezone(timedelta(hours=1),'UTC')<timezone.utc
timezone(timedelta(hours=1),'UTC')==timezone(timedelta(hours=1))
timezone(timedelta(hours=1),'UTC')==1
repr(timezone(timedelta(hours=1),'UTC'))
repr(timezone(timedelta(hours=1)))
repr(timezone.utc)
repr(timezone(timedelta(0)))
str(timezone(timedelta(hours=1),'x'))
str(timezone(timedelta(0)))
timezone.min
timezone.max
timezone.utc.__reduce__()
timezone(timedelta(hours=1),'x').__reduce__()
timezone.utc.fromutc(AWARE)
timezone.utc.utcoffset()
timezone.max.utcoffset(None)
type('X',(timezone,),{})
MOMENT.tzinfo
date.min
date.max
date.resolution
datetime.min
datetime.max
datetime.resolution
time.min
time.max
time.resolution
timedelta.min
timedelta.max
timedelta.resolution
MINYEAR
MAXYEAR
setattr(DAY,'year',1)
setattr(SPAN,'days',1)
datetime.min-timedelta(1)
datetime.max+timedelta(0,0,1)
datetime.min.replace(tzinfo=timezone.max)<AWARE
datetime.min.replace(tzinfo=timezone.max)-AWARE
hash(datetime.min.replace(tzinfo=timezone.max))
hash(datetime.max.replace(tzinfo=timezone.min))
datetime.max.replace(tzinfo=timezone.utc).astimezone(timezone.max)
datetime.max.replace(tzinfo=timezone.min).astimezone(timezone.max)
DAY.toordinal(1)
UTC
UTC is timezone.utc
DAY.isoweekday()
DAY.weekday()
MOMENT.date()
AWARE.time()
AWARE.timetz()
AWARE.timetuple()
AWARE.replace(tzinfo=Zone(timedelta(0),timedelta(1),'x')).timetuple()
AWARE.replace(tzinfo=Zone(timedelta(0),timedelta(0,1),'x')).timetuple()
AWARE.replace(tzinfo=Zone(timedelta(0),timedelta(0),'x')).timetuple()
AWARE.replace(tzinfo=Zone(timedelta(0),timedelta(0),'x')).strftime('%Z %z')
AWARE.replace(tzinfo=Zone(timedelta(0),timedelta(0),'%d')).strftime('%Z %z')
AWARE.replace(tzinfo=Zone(timedelta(0,3),timedelta(0),'%d')).strftime('%Z %z')
AWARE.replace(tzinfo=Zone(timedelta(0,0,3),timedelta(0),'%d')).strftime('%Z %z')
AWARE.replace(tzinfo=Zone(timedelta(0,0,-3),timedelta(0),None)).strftime('%Z %z')
AWARE.replace(tzinfo=Zone(timedelta(0,0,-3),timedelta(0),7)).strftime('%Z %z')
timedelta(hours=1)*2
2*timedelta(hours=1)
timedelta(microseconds=1)/2
timedelta(microseconds=3)/2
timedelta(microseconds=-1)/2
timedelta(microseconds=5)*0.5
timedelta(microseconds=-3)*0.5
timedelta(microseconds=7)//-2
timedelta(microseconds=1)*0.1
timedelta.max/3
timedelta.max//timedelta.resolution
timedelta.max/timedelta.resolution
timedelta.max%timedelta(7)
datetime.strptime('2020-01-02 03:04:05.678901 +01:02:03.000004','%Y-%m-%d %H:%M:%S.%f %z')
timedelta('a','b')
timedelta(5)*OddFloat(())
timedelta(5)*OddFloat((1,))
timedelta(5)*OddFloat(7)
timedelta(5)*OddFloat((1.5,2))
timedelta(5)*OddFloat((1,2.5))
timedelta(5)/OddFloat((0,1))
date.__eq__(date(1,1,1),datetime(1,1,1))
date.__lt__(date(1,1,1),datetime(1,1,1,2))
time(0,0,0,5,timezone(timedelta(0,0,5)))==time(0,0,tzinfo=timezone.utc)
time(0,0,0,5,timezone(timedelta(0,0,5)))==time(0,0,0,5,tzinfo=timezone.utc)
hash(time(1,2,3,5,timezone(timedelta(0,0,5))))
hash(time(1,2,3,5,timezone(timedelta(0,7000,5))))
hash(timedelta(1,2,3))
hash(timezone.utc)
hash(timedelta(0))
hash(timezone(timedelta(1,2,3)-timedelta(1)))
hash(datetime(2020,2,3,4,5,6,7,timezone(timedelta(0,7000,5))))
hash(datetime(2020,2,3))
hash(date(2020,2,3))
hash(time(2,3))
datetime.__init__
type(date(1,1,1).isocalendar()).__dict__.keys()
datetime.__sub__(datetime(1,1,1),date(1,1,1))
date.__sub__(date(1,1,1),datetime(1,1,1))
date.__sub__(datetime(1,1,2),date(1,1,1))
date.__add__(datetime(1,1,2),timedelta(1))
datetime.__rsub__(datetime(1,1,1),date(1,1,1))
timedelta(1).__radd__(1)
datetime.combine(date(1,1,1),time(1),tzinfo=timezone.utc,foo=2)
datetime.utcfromtimestamp()
datetime.utcfromtimestamp('1')
datetime.fromisoformat()
datetime.combine.__text_signature__
date.__format__(date(1,1,1))
time.isoformat(time(1),3,4)
datetime.isoformat(datetime(1,1,1),3,4,5)
date(1,1,1).strftime(foo=3)
datetime.strptime('a','b','c')
type(date(1,1,1).isocalendar())('a',2,3)
type(date(1,1,1).isocalendar())(1,2,3,4)
date.fromordinal(1,2)
datetime(2020,1,1).date(2)
timezone(1,2,3)
timezone.utc==None
timezone.utc!=3
timezone.utc<3
tzinfo().fromutc()
timezone.utc.fromutc(datetime(1,1,1))
datetime.max.replace(tzinfo=timezone.min).timestamp()
datetime(1,1,1,tzinfo=timezone.max).timestamp()
datetime(2026,3,29,2,30).timestamp()
datetime(2026,3,29,2,30,fold=1).timestamp()
datetime(2026,10,25,2,30).timestamp()
datetime(2026,10,25,2,30,fold=1).timestamp()
datetime.fromtimestamp(1792888200)
datetime.fromtimestamp(1792888200+3600)
datetime.fromtimestamp(1792888200+7200)
datetime(2026,10,25,2,30,fold=1).astimezone()
datetime.fromtimestamp(-0.0000005)
datetime.fromtimestamp(0.5e-6)
datetime.fromtimestamp(1.5e-6)
datetime.fromtimestamp(253402300799.9999999)
datetime.fromtimestamp(-62135596800,timezone.utc)
datetime.fromtimestamp(-62135596801,timezone.utc)
datetime.fromtimestamp(2**62)
datetime.fromtimestamp(2**66)
date.fromtimestamp(2**62)
datetime.utcfromtimestamp(-62135596801)
timedelta(seconds=.5e-6)
timedelta(seconds=1.5e-6)
timedelta(microseconds=.5,milliseconds=.0005)
timedelta(microseconds=-.5)
timedelta(microseconds=1,seconds=.5e-6)
timedelta(days=10**20,hours=-24*10**20)
timedelta(days=1e20,hours=-24e20)
timedelta(days=10**20)
timedelta(days=-10**20,microseconds=1)
repr(datetime.strptime.__self__)
datetime.min - datetime.max
date(1,1,1)-date(9999,1,1)
abs(timedelta(-1,3,4))
+timedelta(-1,3,4)
bool(timedelta(0))
timedelta(3)==3.0
timedelta(2)!=None
date.__reduce__(datetime(1,2,3))
datetime.__text_signature__
time(1,2,tzinfo=None).__reduce_ex__(protocol=3)
datetime(1,2,3).__reduce_ex__()
date(1,2,3)+1.0
datetime(1,1,1)-1
time(1)-time(2)
tzinfo().__getstate__()
timezone(timedelta(hours=-1,microseconds=3)).__reduce__()
date(1,2,3).__getstate__()
"""

# Texts for fromisoformat(); _ stands for a space.
TIMES = """
01,5 01.5 0102,5 010203.5 01: 01:02: 0102: 010 01020 01:02:03: 01:02:03:04 01:02:030 010203: 01:02:03.1234567
01:02:03.+01 01:02:03,+01:00 010203+ 01+01.5 01:02+01:02,5 T TT01 T01Z 01:02:03.12345678Z 01:02:03..5
01:02.+01 01- 01-00 01, 01,a 01:02:03_+01:00 01:02:03.5_
"""
MOMENTS = """
2020W011111 2020W0111111 2020W01-11:22 2020W01T11:22 2020W01 2020-W01-1T01 2020-W01-11 2020-W01- 2020-W01-T
2020-W01-11:22 2020-W01-1111 2020-W01-1_1111 0000-W01-1 0000-W20-3 0000-W53-1 0000-W52-7 0000-W52-6 0000W015
2020-W00 2020-W01-0 2020W010 2020-01-01T10+ 2020-W0 2020W0 2020W0a 20200101 20200101T 2020010110 2020-01-01-10
2020-01-01+10 2020-01-0110 2020-01-01Z10 2020W01a 2020-W01aa 2020-W01-a 2020-W01-- 2020-W01-1-11
2020-01-01T1:00 2020-01T10:00 2020-01-01T24:00+30
"""


def attempt(function):
    try:
        text = repr(function())
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
    return ascii(text) if " at 0x" not in text else "an object"


for expression in EXPRESSIONS.strip().splitlines():
    print(expression, "->", attempt(lambda: eval(expression)))
for cls, texts in ((time, TIMES), (date, MOMENTS), (datetime, MOMENTS)):
    for text in texts.split():
        print(cls.__name__, text, attempt(lambda: cls.fromisoformat(text.replace("_", " "))))
