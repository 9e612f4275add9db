# asyncio: producers and consumers, an echo server on loopback, timeouts, cancellation, task groups, streams, subprocesses.
import asyncio
import contextlib
import sys


async def producer(queue, name, count):
    for number in range(count):
        await queue.put(f"{name}{number}")
        await asyncio.sleep(0)


async def consumer(queue, seen):
    while True:
        item = await queue.get()
        seen.append(item)
        queue.task_done()


async def queues():
    queue, seen = asyncio.Queue(3), []
    consumers = [asyncio.create_task(consumer(queue, seen), name=f"consumer{n}") for n in range(2)]
    await asyncio.gather(*(producer(queue, name, 20) for name in "abc"))
    await queue.join()
    for task in consumers:
        task.cancel()
    print(await asyncio.gather(*consumers, return_exceptions=True))
    print(len(seen), sorted(seen)[:6], [item for item in seen if item[0] == "a"] == [f"a{n}" for n in range(20)])


async def echo():
    async def handle(reader, writer):
        while line := await reader.readline():
            if line == b"quit\n":
                writer.write(b"bye\n")
                break
            writer.write(line.upper())
            await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    async def client(number):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        answers = []
        for word in ("hello", "snake ß", "x" * 7000):
            writer.write(f"{number} {word}\n".encode())
            try:
                answers.append((await reader.readline()).decode().rstrip()[:12])
            except ValueError as error:
                answers.append(str(error)[:30])
        writer.write(b"quit\n")
        answers.append((await reader.read())[-4:])
        writer.close()
        await writer.wait_closed()
        return answers

    async with server:
        for answers in await asyncio.gather(*map(client, range(3))):
            print(answers)
    print(server.is_serving())
    try:
        await asyncio.open_connection("127.0.0.1", port)
    except OSError as error:
        print(type(error).__name__)


class Datagram(asyncio.DatagramProtocol):
    def __init__(self, done):
        self.done = done

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        if not self.done.done():
            self.done.set_result(data)


async def datagrams():
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    transport, _ = await loop.create_datagram_endpoint(lambda: Datagram(done), local_addr=("127.0.0.1", 0))
    sender, _ = await loop.create_datagram_endpoint(lambda: Datagram(loop.create_future()), remote_addr=transport.get_extra_info("sockname"))
    sender.sendto(b"datagram")
    print(await asyncio.wait_for(done, 5))
    sender.close()
    transport.close()


async def timeouts():
    try:
        await asyncio.wait_for(asyncio.sleep(60), 0.01)
    except asyncio.TimeoutError as error:
        print("wait_for", type(error).__name__, error)
    try:
        async with asyncio.timeout(0.01):
            await asyncio.sleep(60)
    except TimeoutError:
        print("timeout")
    async with asyncio.timeout(None) as scope:
        scope.reschedule(asyncio.get_running_loop().time() + 60)
        print(scope.expired())

    async def stubborn():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError as error:
            print("cancelled", error.args)
            raise
        finally:
            print("cleaned up")

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    task.cancel("reason")
    try:
        await task
    except asyncio.CancelledError as error:
        print(task.cancelled(), error.args)
    task = asyncio.create_task(asyncio.sleep(0.01, "value"))
    print(await asyncio.shield(task), await asyncio.wait_for(asyncio.sleep(0, 5), 1))
    done, pending = await asyncio.wait([asyncio.create_task(asyncio.sleep(n / 50, n)) for n in range(3)], return_when=asyncio.FIRST_COMPLETED)
    print([task.result() for task in done], len(pending))
    print([await future for future in asyncio.as_completed([asyncio.sleep(0.05, "slow"), asyncio.sleep(0, "fast")])])
    for task in pending:
        task.cancel()


async def groups():
    async def fail(error):
        await asyncio.sleep(0)
        raise error

    try:
        async with asyncio.TaskGroup() as group:
            good = group.create_task(asyncio.sleep(0, "good"))
            group.create_task(fail(ValueError("one")))
            group.create_task(fail(KeyError("two")))
            forever = group.create_task(asyncio.sleep(60))
    except* ValueError as caught:
        print("values", caught.exceptions)
    except* KeyError as caught:
        print("keys", caught.exceptions, caught.message)
    print(good.result(), forever.cancelled())
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(asyncio.sleep(0, n)) for n in range(3)]
    print([task.result() for task in tasks])
    results = await asyncio.gather(fail(OSError("x")), asyncio.sleep(0, 1), return_exceptions=True)
    print(results)


@contextlib.asynccontextmanager
async def section(name):
    print("enter", name)
    try:
        yield name.upper()
    finally:
        await asyncio.sleep(0)
        print("leave", name)


async def numbers(count):
    try:
        for number in range(count):
            await asyncio.sleep(0)
            received = yield number
            if received:
                print("received", received)
    finally:
        print("generator closed")


async def language():
    async with section("a") as name, section("b"):
        print(name)
    print([n async for n in numbers(5) if n % 2], {n: n async for n in numbers(2)})
    generator = numbers(10)
    print(await anext(generator), await generator.asend("hello"))
    try:
        await generator.athrow(LookupError("thrown"))
    except LookupError as error:
        print(error)
    print(await anext(generator, "default"))
    async for n in numbers(3):
        if n:
            break
    lock, event, semaphore = asyncio.Lock(), asyncio.Event(), asyncio.Semaphore(2)
    order = []

    async def locked(n):
        async with lock, semaphore:
            order.append(n)
            await asyncio.sleep(0)
            order.append(n)

    await asyncio.gather(*map(locked, range(3)))
    asyncio.get_running_loop().call_later(0.01, event.set)
    print(order, await event.wait(), lock.locked())
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(asyncio.sleep, 0)
        print([await stack.enter_async_context(section(n)) for n in "xy"])


async def outside():
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "print(input()[::-1]); raise SystemExit(4)",
                                                   stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
    print(await process.communicate(b"reversed\n"), process.returncode)
    loop = asyncio.get_running_loop()
    print(await loop.run_in_executor(None, sum, [1, 2, 3]), await asyncio.to_thread(divmod, 17, 5))
    problems = []
    loop.set_exception_handler(lambda loop, context: problems.append((context["message"], repr(context.get("exception")))))
    loop.call_soon(lambda: 1 / 0)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    print(problems)


async def main():
    for part in (queues, echo, datagrams, timeouts, groups, language, outside):
        print("--", part.__name__)
        await part()
    return "end"


print(asyncio.run(main()))
for call in (lambda: asyncio.run(5), lambda: asyncio.get_running_loop()):
    try:
        call()
    except (ValueError, RuntimeError) as error:
        print(type(error).__name__, error)
coroutine = language()
print(type(coroutine).__name__, coroutine.cr_running, coroutine.__qualname__, coroutine.close())
with asyncio.Runner() as runner:
    print(runner.run(asyncio.sleep(0, "runner")))
