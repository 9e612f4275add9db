"""Dicts, sets and ordered dicts keep their order and stay whole, whatever their keys do."""

import collections
import contextvars
import functools
import gc
import itertools
import random
import unittest


class MeddlingKey:
    """A key whose comparison now and then changes the container it is looked up in."""

    target = None

    def __init__(self, value, randomness):
        self.value = value
        self.randomness = randomness

    def __hash__(self):
        return self.value % 4

    def __eq__(self, other):
        target, MeddlingKey.target = MeddlingKey.target, None
        if target is not None:
            if self.randomness.random() < 0.3:
                self.meddle(target)
            MeddlingKey.target = target
        return isinstance(other, MeddlingKey) and self.value == other.value

    def meddle(self, target):
        key = MeddlingKey(self.randomness.randrange(9), self.randomness)
        choice = self.randomness.randrange(4)
        if choice == 0:
            target.clear()
        elif choice == 1 and target:
            target.pop(next(iter(target))) if isinstance(target, dict) else target.pop()
        elif isinstance(target, dict):
            target.update({key: 1} if choice == 2 else dict.fromkeys(range(50)))
        else:
            target.update([key] if choice == 2 else range(50))


class ContainerTests(unittest.TestCase):
    def test_a_comparison_that_changes_the_container_leaves_it_whole(self):
        for seed in range(100):
            randomness = random.Random(seed)
            for make in (dict.fromkeys, collections.OrderedDict.fromkeys, set):
                container = make([MeddlingKey(i, randomness) for i in range(8)])
                MeddlingKey.target = container
                for _ in range(40):
                    key = MeddlingKey(randomness.randrange(12), randomness)
                    key in container
                    try:
                        if isinstance(container, dict):
                            container[key] = 1
                            container.pop(key, None)
                        else:
                            container.add(key)
                            container.discard(key)
                    except RuntimeError:
                        pass
                MeddlingKey.target = None
                self.assertEqual(len(container), len(list(container)))

    def test_a_dict_keeps_the_order_of_insertion_through_growth_and_deletion(self):
        for size in (5, 10, 100, 10_000):
            names = [str(i) for i in range(size)]
            table = dict.fromkeys(names)
            for name in names[::3]:
                del table[name]
            table[1] = 1  # from here on not all keys are str
            table.update(dict.fromkeys(names[::3]))
            kept = [name for i, name in enumerate(names) if i % 3]
            self.assertEqual(list(table), kept + [1] + names[::3])
            self.assertEqual(list(reversed(table)), names[::3][::-1] + [1] + kept[::-1])
            self.assertEqual(list(table.copy()), list(table))

    def test_popitem_and_insertion_may_alternate_for_ever(self):
        table = {i: i for i in range(10)}
        for i in range(10_000):
            self.assertEqual(table.popitem(), (i + 9 if i else 9, i + 9 if i else 9))
            table[i + 10] = i + 10
            self.assertEqual(len(table), 10)

    def test_an_ordered_dict_is_a_queue_from_either_end(self):
        queue, model = collections.OrderedDict(), []
        randomness = random.Random(1)
        for step in range(5_000):
            choice = randomness.randrange(5)
            if choice < 2 or not model:
                queue[step] = None
                model.append(step)
            elif choice == 2:
                last = randomness.random() < 0.5
                self.assertEqual(queue.popitem(last)[0], model.pop(-1 if last else 0))
            else:
                key, last = randomness.choice(model), choice == 3
                queue.move_to_end(key, last)
                model.remove(key)
                model.insert(len(model) if last else 0, key)
        self.assertEqual(list(queue), model)

    def test_atoms_do_not_make_the_collector_track_a_dict(self):
        self.assertFalse(gc.is_tracked({}))
        self.assertFalse(gc.is_tracked({"a": 1, 2: "b"}))
        self.assertTrue(gc.is_tracked({"a": []}))

    def test_sets_of_small_ints_come_in_the_order_of_their_table(self):
        self.assertEqual(list(set([8, 1, 0, 16, 3])), [0, 1, 3, 8, 16])
        numbers = {0, 1, 2}
        numbers.discard(0)
        numbers.add(8)
        self.assertEqual(list(numbers), [8, 1, 2])
        self.assertEqual(hash(frozenset({1, 2, 3})), -272375401224217160)

    def test_a_deque_rotates_whether_its_ring_is_full_or_not(self):
        for size in range(1, 20):
            for steps in range(-25, 25):
                numbers = collections.deque(range(size))
                numbers.rotate(steps)
                shift = -steps % size
                self.assertEqual(list(numbers), list(range(shift, size)) + list(range(shift)))

    def test_an_exhausted_cache_forgets_what_was_not_used_for_longest(self):
        @functools.lru_cache(maxsize=2)
        def double(number):
            return 2 * number

        for number in (1, 2, 1, 3, 1, 2):
            self.assertEqual(double(number), 2 * number)
        self.assertEqual(double.cache_info(), (2, 4, 2, 2))

    def test_a_copied_context_keeps_its_values(self):
        variables = [contextvars.ContextVar(str(i)) for i in range(500)]

        def fill():
            snapshots = []
            for i, variable in enumerate(variables):
                variable.set(i)
                snapshots.append(contextvars.copy_context())
            return snapshots

        for i, snapshot in enumerate(contextvars.Context().run(fill)):
            self.assertEqual(len(snapshot), i + 1)
            self.assertEqual(snapshot[variables[i]], i)

    def test_tee_gives_every_copy_all_elements(self):
        first, second, third = itertools.tee(range(1000), 3)
        self.assertEqual(list(itertools.islice(first, 500)), list(range(500)))
        self.assertEqual(list(second), list(range(1000)))
        self.assertEqual(list(first), list(range(500, 1000)))
        self.assertEqual(list(third), list(range(1000)))


if __name__ == "__main__":
    unittest.main()
