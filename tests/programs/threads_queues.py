# Threads: queues, locks, conditions, events, semaphores, barriers, timers, locals, pools, exceptions in threads.
import concurrent.futures
import contextvars
import functools
import queue
import sys
import threading
import time


def workers():
    jobs, results = queue.Queue(maxsize=5), queue.PriorityQueue()

    def work():
        while (job := jobs.get()) is not None:
            results.put((job, sum(divisor for divisor in range(1, job) if job % divisor == 0)))
            jobs.task_done()
        jobs.task_done()

    threads = [threading.Thread(target=work, name=f"worker-{n}") for n in range(4)]
    for thread in threads:
        thread.start()
    for job in range(1, 501):
        jobs.put(job)
    for _ in threads:
        jobs.put(None)
    jobs.join()
    for thread in threads:
        thread.join()
    found = [results.get() for _ in range(results.qsize())]
    print("perfect:", [job for job, total in found if job == total], len(found), [thread.is_alive() for thread in threads])
    for call in (lambda: jobs.get_nowait(), lambda: jobs.get(timeout=0.01), lambda: [jobs.put_nowait(1) for _ in range(6)], lambda: [jobs.task_done() for _ in range(9)]):
        try:
            call()
        except Exception as error:
            print(type(error).__name__, error)


class Account:
    def __init__(self, balance):
        self.balance, self.lock = balance, threading.RLock()

    def transfer(self, other, amount):
        first, second = sorted((self, other), key=id)
        with first.lock, second.lock:
            self.balance -= amount
            time.sleep(0)
            other.balance += amount


def accounts():
    bank = [Account(1000) for _ in range(5)]

    def move(seed):
        for step in range(200):
            a, b = (seed + step) % 5, (seed * step + 1) % 5
            if a != b:
                bank[a].transfer(bank[b], step % 7)

    threads = [threading.Thread(target=move, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print("bank:", sum(account.balance for account in bank), [account.balance for account in bank])


class Buffer:
    def __init__(self, size):
        self.items, self.size, self.condition = [], size, threading.Condition()

    def put(self, item):
        with self.condition:
            self.condition.wait_for(lambda: len(self.items) < self.size)
            self.items.append(item)
            self.condition.notify_all()

    def get(self):
        with self.condition:
            while not self.items:
                self.condition.wait()
            item = self.items.pop(0)
            self.condition.notify_all()
            return item


def buffers():
    buffer, taken = Buffer(3), []
    consumer = threading.Thread(target=lambda: taken.extend(iter(buffer.get, "stop")), daemon=True)
    consumer.start()
    for item in range(300):
        buffer.put(item)
    buffer.put("stop")
    consumer.join(10)
    print("buffer:", taken == list(range(300)), consumer.daemon)


def coordination():
    event, log, lock = threading.Event(), [], threading.Lock()
    barrier = threading.Barrier(3, action=lambda: log.append("barrier"))
    semaphore, inside, most = threading.BoundedSemaphore(2), [0], [0]

    def run(number):
        event.wait()
        with semaphore:
            with lock:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            time.sleep(0.005)
            with lock:
                inside[0] -= 1
        log.append("before")
        barrier.wait()
        log.append("after")

    threads = [threading.Thread(target=run, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    print(event.is_set(), event.wait(0.01), threading.active_count())
    event.set()
    for thread in threads:
        thread.join()
    print("order:", log, "inside at most:", most[0] <= 2)
    barrier.abort()
    for call in (barrier.wait, semaphore.release, lock.release, threading.RLock().release, threads[0].start, threading.current_thread().join,
                 lambda: threading.Thread(group=1), lambda: threading.Condition().notify()):
        try:
            call()
        except Exception as error:
            print(type(error).__name__, error)
    print(lock.acquire(), lock.acquire(False), lock.acquire(timeout=0.01), lock.locked(), lock.release())
    timer = threading.Timer(0.01, log.append, ["timer"])
    timer.start()
    timer.join()
    cancelled = threading.Timer(30, log.append, ["never"])
    cancelled.start()
    cancelled.cancel()
    cancelled.join()
    print(log[-1])


def locals_and_errors():
    local, seen = threading.local(), {}
    local.value = "main"

    def use(name):
        seen[name] = getattr(local, "value", "nothing")
        local.value = name

    for name in "ab":
        thread = threading.Thread(target=use, args=(name,))
        thread.start()
        thread.join()
    print(seen, local.value, local.__dict__)
    old, caught = threading.excepthook, []
    threading.excepthook = lambda args: caught.append((args.exc_type.__name__, str(args.exc_value), args.thread.name))
    thread = threading.Thread(target=lambda: 1 / 0, name="divider")
    thread.start()
    thread.join()
    threading.excepthook = old
    print(caught)

    def fail():
        raise LookupError("shown on stderr")

    thread = threading.Thread(target=fail, name="failing")
    thread.start()
    thread.join()
    thread = threading.Thread(target=sys.exit, args=("silent",))
    thread.start()
    thread.join()
    variable = contextvars.ContextVar("variable", default="default")
    variable.set("outer")
    context = contextvars.copy_context()
    seen = []
    thread = threading.Thread(target=lambda: seen.extend([variable.get(), context.run(variable.get)]))
    thread.start()
    thread.join()
    print(seen)


def pools():
    with concurrent.futures.ThreadPoolExecutor(3, thread_name_prefix="pool") as pool:
        print(list(pool.map(pow, range(8), [2] * 8)))
        futures = {pool.submit(divmod, 100, n): n for n in range(4)}
        for future in sorted(concurrent.futures.as_completed(futures), key=futures.get):
            print(futures[future], future.exception() or future.result(), future.done())
        gate = threading.Event()
        blockers = [pool.submit(gate.wait) for _ in range(3)]
        waiting = pool.submit(print, "never printed")
        print(waiting.cancel(), waiting.cancelled(), len(concurrent.futures.wait(blockers, timeout=0.01).not_done))
        gate.set()
        chained = pool.submit(lambda: pool.submit(lambda: "inner").result())
        chained.add_done_callback(lambda future: print("callback", future.result()))
        chained.result()
    try:
        pool.submit(print)
    except RuntimeError as error:
        print(error)


@functools.lru_cache(maxsize=None)
def slow(n):
    time.sleep(0.001)
    return n * n


def switching():
    old = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    counter = {"value": 0}
    lock = threading.Lock()

    def count():
        for _ in range(3000):
            with lock:
                counter["value"] += 1

    threads = [threading.Thread(target=count) for _ in range(5)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    sys.setswitchinterval(old)
    print(counter, sum(concurrent.futures.ThreadPoolExecutor(4).map(slow, list(range(20)) * 3)), old)


for part in (workers, accounts, buffers, coordination, locals_and_errors, pools, switching):
    part()
print(threading.main_thread().name)
