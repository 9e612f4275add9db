"""An operating system's scheduler: methods, attributes and dispatch on small classes (after Martin Richards)."""

IDLE, WORKER, HANDLER_A, HANDLER_B, DEVICE_A, DEVICE_B = range(6)
KIND_DEVICE, KIND_WORK = 0, 1
BUFFER = 4


class Packet:
    def __init__(self, link, identity, kind):
        self.link = link
        self.identity = identity
        self.kind = kind
        self.datum = 0
        self.data = [0] * BUFFER

    def append_to(self, queue):
        self.link = None
        if queue is None:
            return self
        last = queue
        while last.link is not None:
            last = last.link
        last.link = self
        return queue


class Task:
    def __init__(self, scheduler, identity, priority, queue, runnable):
        self.scheduler = scheduler
        self.identity = identity
        self.priority = priority
        self.queue = queue
        self.waiting = False
        self.held = False
        self.runnable = runnable or queue is not None
        self.link = scheduler.tasks
        scheduler.tasks = self
        scheduler.table[identity] = self

    def accept(self, packet, current):
        if self.queue is None:
            self.queue = packet
            self.runnable = True
            if self.priority > current.priority:
                return self
        else:
            packet.append_to(self.queue)
        return current

    def ready(self):
        return not self.held and (self.runnable or (self.waiting and self.queue is not None))

    def step(self):
        packet = None
        if self.waiting and self.queue is not None:
            packet = self.queue
            self.queue = packet.link
            self.waiting = False
            self.runnable = True
        return self.run(packet)

    def wait(self):
        self.waiting = True
        self.runnable = False
        return self

    def hold(self):
        self.scheduler.holds += 1
        self.held = True
        return self.link

    def release(self, identity):
        task = self.scheduler.table[identity]
        task.held = False
        return task if task.priority > self.priority else self

    def send(self, packet):
        task = self.scheduler.table[packet.identity]
        self.scheduler.sent += 1
        packet.link = None
        packet.identity = self.identity
        return task.accept(packet, self)


class IdleTask(Task):
    control = 1

    def __init__(self, scheduler, count):
        super().__init__(scheduler, IDLE, 0, None, True)
        self.count = count

    def run(self, packet):
        self.count -= 1
        if self.count == 0:
            return self.hold()
        if self.control & 1 == 0:
            self.control //= 2
            return self.release(DEVICE_A)
        self.control = self.control // 2 ^ 0xD008
        return self.release(DEVICE_B)


class WorkerTask(Task):
    def __init__(self, scheduler, queue):
        super().__init__(scheduler, WORKER, 1000, queue, False)
        self.waiting = True
        self.runnable = False
        self.destination = HANDLER_A
        self.letter = 0

    def run(self, packet):
        if packet is None:
            return self.wait()
        self.destination = HANDLER_B if self.destination == HANDLER_A else HANDLER_A
        packet.identity = self.destination
        packet.datum = 0
        for i in range(BUFFER):
            self.letter = self.letter % 26 + 1
            packet.data[i] = 64 + self.letter
        return self.send(packet)


class HandlerTask(Task):
    def __init__(self, scheduler, identity, priority, queue):
        super().__init__(scheduler, identity, priority, queue, False)
        self.waiting = True
        self.runnable = False
        self.work = None
        self.devices = None

    def run(self, packet):
        if packet is not None:
            if packet.kind == KIND_WORK:
                self.work = packet.append_to(self.work)
            else:
                self.devices = packet.append_to(self.devices)
        if self.work is not None:
            work = self.work
            position = work.datum
            if position >= BUFFER:
                self.work = work.link
                return self.send(work)
            if self.devices is not None:
                device = self.devices
                self.devices = device.link
                device.datum = work.data[position]
                work.datum = position + 1
                return self.send(device)
        return self.wait()


class DeviceTask(Task):
    def __init__(self, scheduler, identity, priority):
        super().__init__(scheduler, identity, priority, None, False)
        self.waiting = True
        self.pending = None

    def run(self, packet):
        if packet is None:
            if self.pending is None:
                return self.wait()
            packet, self.pending = self.pending, None
            return self.send(packet)
        self.pending = packet
        return self.hold()


class Scheduler:
    def __init__(self):
        self.tasks = None
        self.table = [None] * 6
        self.holds = 0
        self.sent = 0

    def run(self):
        task = self.tasks
        while task is not None:
            task = task.step() if task.ready() else task.link




def simulate():
    scheduler = Scheduler()
    IdleTask(scheduler, 10000)
    WorkerTask(scheduler, Packet(Packet(None, WORKER, KIND_WORK), WORKER, KIND_WORK))
    queue = None
    for _ in range(3):
        queue = Packet(queue, DEVICE_A, KIND_DEVICE)
    HandlerTask(scheduler, HANDLER_A, 2000, queue)
    queue = None
    for _ in range(3):
        queue = Packet(queue, DEVICE_B, KIND_DEVICE)
    HandlerTask(scheduler, HANDLER_B, 3000, queue)
    DeviceTask(scheduler, DEVICE_A, 4000)
    DeviceTask(scheduler, DEVICE_B, 5000)
    scheduler.run()
    return scheduler.holds, scheduler.sent


def main(rounds=5):
    return [simulate() for _ in range(rounds)]
