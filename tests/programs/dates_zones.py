# Dates and times: datetime, time zones, calendar, time.
import calendar
import datetime as dt
import time
import zoneinfo


def attempt(function):
    try:
        return function()
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def dates():
    moment = dt.datetime(2024, 2, 29, 23, 59, 58, 123456)
    print(moment, repr(moment), moment.isoformat(" ", "milliseconds"), moment + dt.timedelta(seconds=2), moment.replace(year=2028), moment.timetuple()[:8], moment.isocalendar(), moment.toordinal())
    print(moment.strftime("%Y-%m-%d %H:%M:%S.%f %a %A %b %B %j %U %W %y %p %I %% %G-W%V-%u %c %x %X|%Z|%z"), f"{moment:%d/%m/%y}", moment.ctime(), moment.date() - dt.date(2000, 1, 1))
    for text in ("2026-11-22", "2026-11-22T10:11:12", "20261122T101112.5+0530", "2026-W47-7", "2026-11-22 10:11:12.123456789Z", "2026-13-01", "nonsense", "2026-11-22T25:00"):
        print(text, attempt(lambda: dt.datetime.fromisoformat(text)))
    print(dt.datetime.strptime("22 Nov 2026 07:08 PM +0130", "%d %b %Y %I:%M %p %z"), attempt(lambda: dt.datetime.strptime("x", "%Y")), attempt(lambda: dt.datetime.strptime("2026 1", "%Y")))
    delta = dt.timedelta(days=-1, hours=5, microseconds=7)
    print(delta, repr(delta), abs(delta), delta * 2.5, delta / dt.timedelta(hours=1), divmod(delta, dt.timedelta(minutes=7)), delta.total_seconds(), dt.timedelta.max, -delta, bool(dt.timedelta()))
    for call in (lambda: dt.date(2023, 2, 29), lambda: dt.time(25), lambda: dt.date.max + dt.timedelta(1), lambda: moment < moment.astimezone(dt.timezone.utc), lambda: moment < moment.date(),
                 lambda: dt.timedelta(10 ** 10), lambda: dt.timezone(dt.timedelta(hours=24)), lambda: moment.replace(month=0), lambda: dt.datetime(1, 1, 1, fold=2), lambda: moment + 1):
        print(attempt(call))
    print(dt.time(1, 2, 3, tzinfo=dt.timezone.utc), dt.timezone(dt.timedelta(hours=-5, minutes=-30)), dt.timezone(dt.timedelta(0), "Z"), dt.date.fromisocalendar(2026, 53, 5), dt.date.min, dt.MAXYEAR)
    for name in ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC"):
        zone = zoneinfo.ZoneInfo(name)
        for when in (dt.datetime(2026, 3, 29, 1, 30), dt.datetime(2026, 10, 25, 2, 30), dt.datetime(1950, 6, 1), dt.datetime(2050, 7, 1)):
            local, folded = when.replace(tzinfo=zone), when.replace(tzinfo=zone, fold=1)
            print(name, local.isoformat(), local.tzname(), local.dst(), folded.utcoffset(), local.astimezone(dt.timezone.utc).strftime("%d %H:%M"), (when.replace(tzinfo=dt.timezone.utc).astimezone(zone)))
    print(attempt(lambda: zoneinfo.ZoneInfo("Mars/Base")), repr(zoneinfo.ZoneInfo("UTC")), zoneinfo.ZoneInfo("UTC") is zoneinfo.ZoneInfo("UTC"), "Europe/Paris" in zoneinfo.available_timezones())
    print(dt.datetime.fromtimestamp(1e9, dt.timezone.utc), dt.datetime(2001, 9, 9, 1, 46, 40, tzinfo=dt.timezone.utc).timestamp(), time.strftime("%Y-%j", time.gmtime(0)), time.gmtime(1e9), time.mktime(time.gmtime(86400)))
    print(calendar.monthrange(2024, 2), calendar.isleap(1900), list(calendar.Calendar(6).itermonthdays2(2026, 2))[:4], calendar.month(2026, 11), calendar.timegm((2026, 1, 1, 0, 0, 0)))


dates()
