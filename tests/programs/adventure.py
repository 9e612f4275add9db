# stdin: look\nhelp\ntake lamp\nnorth\ntake lamp\ninventory\nlight lamp\nnorth\nlook\ndance\nopen chest\ntake key\nsouth\nunlock door with key\neast\ntake crown\nsave\nfight dragon\ndrop crown\nrestore\ninventory\nput crown in chest\nwest\nwest\nscore\nquit\nnever reached\n
# A text adventure, played from a script on standard input.
import cmd
import copy
import dataclasses
import shlex
import sys
import textwrap


@dataclasses.dataclass
class Thing:
    name: str
    text: str
    fixed: bool = False
    worth: int = 0
    lit: bool = False


@dataclasses.dataclass
class Room:
    name: str
    text: str
    exits: dict[str, str] = dataclasses.field(default_factory=dict)
    things: list[Thing] = dataclasses.field(default_factory=list)
    dark: bool = False

    def find(self, name):
        return next((thing for thing in self.things if thing.name == name), None)


def world():
    rooms = {
        "garden": Room("Garden", "An overgrown garden. A path leads north into the ruin.", {"north": "hall"},
                       [Thing("fountain", "It has been dry for years.", fixed=True)]),
        "hall": Room("Great Hall", "Tapestries hang in tatters. Doors lead north and east; the garden lies south.",
                     {"north": "cellar", "south": "garden"}, [Thing("lamp", "A brass oil lamp.", worth=5)]),
        "cellar": Room("Cellar", "A low vault that smells of apples. Stairs lead south.", {"south": "hall"},
                       [Thing("chest", "An iron-bound chest.", fixed=True)], dark=True),
        "tower": Room("Tower", "Sunlight falls on a stone table. The hall lies west.", {"west": "hall"},
                      [Thing("crown", "Gold, with seven rubies.", worth=50), Thing("dragon", "Asleep. Probably.", fixed=True)]),
    }
    return rooms


class Game(cmd.Cmd):
    prompt = "> "
    use_rawinput = False

    def __init__(self, **streams):
        super().__init__(**streams)
        self.rooms, self.place, self.held = world(), "garden", []
        self.moves, self.saved, self.flags = 0, None, set()

    @property
    def room(self):
        return self.rooms[self.place]

    def say(self, *texts):
        for text in texts:
            self.stdout.write(textwrap.fill(text, 60, subsequent_indent="  ") + "\n")

    def visible(self):
        return not self.room.dark or any(thing.lit for thing in self.held)

    def carried(self, name):
        return next((thing for thing in self.held if thing.name == name), None)

    def precmd(self, line):
        self.stdout.write(line.strip() + "\n")
        self.moves += 1
        return line.lower()

    def preloop(self):
        self.do_look("")

    def do_look(self, _):
        """look -- describe the place"""
        if not self.visible():
            return self.say("It is pitch dark.")
        self.say(f"{self.room.name}. {self.room.text}")
        match self.room.things:
            case []:
                pass
            case [only]:
                self.say(f"There is a {only.name}.")
            case [*others, last]:
                self.say(f"There are a {', a '.join(t.name for t in others)} and a {last.name}.")

    def go(self, way):
        target = self.room.exits.get(way)
        if target is None:
            return self.say(f"You cannot go {way}.")
        self.place = target
        self.do_look("")

    def do_take(self, name):
        """take THING -- pick something up"""
        thing = self.room.find(name)
        if not thing or not self.visible():
            self.say(f"You see no {name or 'such thing'} here.")
        elif thing.fixed:
            self.say(f"The {thing.name} will not move.")
        else:
            self.room.things.remove(thing)
            self.held.append(thing)
            self.say(f"Taken: {thing.text}")

    def do_drop(self, name):
        """drop THING -- put something down"""
        if thing := self.carried(name):
            self.held.remove(thing)
            self.room.things.append(thing)
            self.say(f"You drop the {name}.")
        else:
            self.say(f"You have no {name}.")

    def do_inventory(self, _):
        """inventory -- what you carry"""
        self.say("You carry: " + (", ".join(f"{t.name}{' (lit)' * t.lit}" for t in self.held) or "nothing"))

    def do_light(self, name):
        """light THING -- make light"""
        match self.carried(name):
            case Thing(name="lamp", lit=False) as lamp:
                lamp.lit = True
                self.say("The lamp burns with a steady flame.")
            case Thing(lit=True):
                self.say("It burns already.")
            case _:
                self.say("That does not burn.")

    def do_open(self, name):
        """open THING -- open something"""
        if name == "chest" and self.room.find("chest") and "chest" not in self.flags:
            self.flags.add("chest")
            self.room.things.append(Thing("key", "A key as long as your hand.", worth=1))
            self.say("The chest opens with a groan. There is a key in it.")
        else:
            self.say("Nothing happens.")

    def do_unlock(self, line):
        """unlock THING with THING -- use a key"""
        match shlex.split(line):
            case ["door", "with", "key"] if self.place == "hall" and self.carried("key"):
                self.room.exits["east"] = "tower"
                self.say("The door to the east swings open.")
            case [target, "with", tool]:
                self.say(f"You cannot unlock the {target} with the {tool}.")
            case words:
                self.say(f"Unlock what with what? I heard {len(words)} words.")

    def do_save(self, _):
        """save -- remember this moment"""
        self.saved = copy.deepcopy((self.rooms, self.place, self.held, self.flags))
        self.say("Saved.")

    def do_restore(self, _):
        """restore -- go back to the saved moment"""
        if self.saved:
            self.rooms, self.place, self.held, self.flags = copy.deepcopy(self.saved)
            self.say("Restored.")

    def do_score(self, _):
        """score -- how well you do"""
        self.say(f"{sum(t.worth for t in self.held)} points in {self.moves} moves.")

    def do_quit(self, _):
        """quit -- leave the game"""
        self.say("Farewell.")
        return True

    def default(self, line):
        verb, *rest = line.split()
        if verb in ("north", "south", "east", "west"):
            self.go(verb)
        elif verb == "fight":
            self.say(f"The {' '.join(rest)} opens one eye. You think better of it.")
        else:
            self.say(f"I do not know how to {line!r}.")


game = Game(stdin=sys.stdin, stdout=sys.stdout)
game.cmdloop("Welcome to the ruin.")
print("left over:", sys.stdin.read().split("\n"))
sys.exit(game.moves)
