"""What goes wrong, when: the scenario's faults, and random ones drawn from the seed.

Swarm testing: of the random kinds, a seed leaves out about a third, and it makes all of them rarer or not,
since some bugs show only where another fault does not hide them. Every fault ends when the scenario's
duration is over.
"""

from collections.abc import Callable
from functools import partial
from typing import Final, Protocol

from chaosnet.base.dice import Dice
from chaosnet.base.errors import Invalid
from chaosnet.kernel.events import DiskLow
from chaosnet.sim.host import Host
from chaosnet.sim.network import Network, Weather
from chaosnet.sim.scenario import Fault, Random, Scenario
from chaosnet.sim.schedule import Schedule

Undo = Callable[[], None]
FUSE_EFFECTS: Final = 60
"""Half of the crashes come so many effects after their time, at most: between any two."""
OPERATOR_US: Final = 3_000_000
"""How often an operator looks at a node whose sign state was restored."""
SLOW_DISK_US: Final = (50_000, 900_000)
STORMS: Final = {
    "reset": 20_000,
    "drop": 100_000,
    "duplicate": 200_000,
    "reorder": 200_000,
    "deaf": 300_000,
}
"""Chance per message in a storm, in millionths."""


class Judge(Protocol):
    """What faults must tell the checkers."""

    def forget(self, place: int) -> None:
        """A data directory was wiped."""

    def newest(self) -> tuple[int, bytes]:
        """Return height and id of the newest final block."""
        ...


class Faults:
    """All that befalls one world."""

    def __init__(
        self, schedule: Schedule, dice: Dice, hosts: list[Host], network: Network, judge: Judge
    ) -> None:
        self._schedule = schedule
        self._dice = dice
        self._hosts = hosts
        self._network = network
        self._judge = judge
        self._open: dict[int, Undo] = {}
        """Faults that last, by number."""
        self._number = 0
        self._down: dict[int, int] = {}
        """Place -> faults that keep it down."""
        self._rarity = 1
        """Factor on the time between random faults: a network under constant fire makes few blocks."""
        self.injected = 0
        self._kinds: dict[str, Callable[[list[Host], int], Undo]] = {
            "crash": self._crash,
            "power": partial(self._crash, quietly=True),
            "pause": self._pause,
            "partition": self._partition,
            "one_way": self._one_way,
            "cut": self._cut,
            "slow_disk": self._slow_disk,
            "disk_low": self._disk_low,
            "slow_link": self._slow_link,
            "clock": self._clock,
            "reset": self._reset,
            "wipe_data": self._wipe_data,
            "wipe_sign_state": self._wipe_sign_state,
            "restore_backup": self._restore_backup,
            "copy_fence": self._copy_fence,
            "copy_chain": self._copy_chain,
            "apart": self._apart,
            "pin": self._pin,
            **{f"storm_{kind}": partial(self._storm, kind) for kind in STORMS},
        }

    def plan(self, scenario: Scenario) -> None:
        """Plan everything of a scenario; raises Invalid(`bad_config`) for an unknown kind."""
        unknown = [kind for kind in scenario.kinds() if kind not in self._kinds]
        if unknown:
            raise Invalid("bad_config", f"no such fault: {unknown[0]}")
        for fault in scenario.faults:
            self._schedule.at(fault.at_ms * 1_000, self._begin, fault)
        end_us = scenario.duration_ms * 1_000
        self._rarity = self._dice.pick((1, 2, 4))
        for random in scenario.random:
            if random.always or self._dice.chance(2, 3):
                self._next(random, end_us)

    def first_start(self, host: Host) -> None:
        """Start a host for the first time, unless a fault keeps it down."""
        if not self._down.get(host.place, 0) and not host.is_spare:
            host.start()

    def end(self) -> None:
        """Undo all that lasts, and start whoever is down."""
        for undo in list(self._open.values()):
            undo()
        self._open.clear()
        for host in self._hosts:
            host.fuse = None
            if not host.is_up and not host.is_spare:
                host.start()

    # ── when ─────────────────────────────────────────────────────────────────────────────────────────────

    def _next(self, random: Random, end_us: int) -> None:
        at_us = self._schedule.now_us + self._dice.between(1, 2 * random.every_ms) * self._rarity * 1_000
        if at_us < end_us:
            self._schedule.at(at_us, self._strike, random, end_us)

    def _strike(self, random: Random, end_us: int) -> None:
        dice = self._dice
        length_ms = dice.between(random.length_ms_min, random.length_ms_max)
        count = dice.between(random.count_min, max(random.count_min, random.count_max))
        self._begin(Fault(random.kind, 0, length_ms, (), count, random.amount))
        self._next(random, end_us)

    def _begin(self, fault: Fault) -> None:
        self.injected += 1
        hosts = [self._hosts[place] for place in fault.nodes]
        if not hosts:
            able = [host for host in self._hosts if not host.is_byzantine and not host.is_spare]
            hosts = sorted(self._dice.shuffled(able)[: fault.count], key=lambda host: host.place)
        undo = self._kinds[fault.kind](hosts, fault.amount)
        self._number += 1
        self._open[self._number] = undo
        if fault.length_ms:
            self._schedule.after(fault.length_ms * 1_000, self._finish, self._number)

    def _finish(self, number: int) -> None:
        undo = self._open.pop(number, None)
        if undo is not None:
            undo()

    # ── what ─────────────────────────────────────────────────────────────────────────────────────────────

    def _crash(self, hosts: list[Host], _amount: int, *, quietly: bool = False) -> Undo:
        for host in hosts:
            self._down[host.place] = self._down.get(host.place, 0) + 1
            host.on_blown = Host.crash if not quietly else partial(Host.crash, quietly=True)
            if host.is_up and self._dice.chance(1, 2):
                host.fuse = self._dice.below(FUSE_EFFECTS)
            else:
                host.on_blown(host)
        return partial(self._start, hosts)

    def _start(self, hosts: list[Host]) -> None:
        for host in hosts:
            if host.is_up:  # the fuse did not blow in time
                host.on_blown(host)
            self._down[host.place] -= 1
            if not self._down[host.place]:
                host.start()

    def _pause(self, hosts: list[Host], _amount: int) -> Undo:
        for host in hosts:
            host.pause()

        def undo() -> None:
            for host in hosts:
                host.resume()

        return undo

    def _partition(self, hosts: list[Host], _amount: int) -> Undo:
        """The hosts on one side, all others on the other; a single drawn one stands for any split."""
        inside = [host.place for host in hosts]
        outside = [host.place for host in self._hosts if host.place not in inside]
        pairs = [(a, b) for a in inside for b in outside]
        pairs += [(b, a) for a, b in pairs]
        return self._block(pairs)

    def _one_way(self, hosts: list[Host], _amount: int) -> Undo:
        """Nothing leaves the hosts, or nothing reaches them."""
        inside = [host.place for host in hosts]
        pairs = [(a, host.place) for a in inside for host in self._hosts if host.place not in inside]
        return self._block(pairs if self._dice.chance(1, 2) else [(b, a) for a, b in pairs])

    def _cut(self, hosts: list[Host], amount: int) -> Undo:
        """Single links between the hosts are cut; what is said goes through others."""
        places = [host.place for host in self._hosts]
        pairs = [(a, b) for a in places for b in places if a < b]
        count = amount or max(1, len(pairs) // 4)
        cut = sorted(self._dice.shuffled(pairs)[:count])
        return self._block(cut + [(b, a) for a, b in cut])

    def _block(self, pairs: list[tuple[int, int]]) -> Undo:
        self._network.block(pairs)
        return partial(self._network.unblock, pairs)

    def _slow_disk(self, hosts: list[Host], _amount: int) -> Undo:
        usual = [host.disk_us for host in hosts]
        for host in hosts:
            host.disk_us = SLOW_DISK_US

        def undo() -> None:
            for host, disk_us in zip(hosts, usual, strict=True):
                host.disk_us = min(host.disk_us, disk_us)

        return undo

    def _disk_low(self, hosts: list[Host], _amount: int) -> Undo:
        """The nodes halt; once there is room again, the operator restarts them."""
        for host in hosts:
            host.deliver(DiskLow(0))
        halted = [(host, host.run) for host in hosts if host.is_up]

        def undo() -> None:
            for host, run in halted:
                if host.is_up and host.run == run:
                    host.crash()
                    self.first_start(host)

        return undo

    def _slow_link(self, hosts: list[Host], amount: int) -> Undo:
        for host in hosts:
            host.slowness = amount or 20

        def undo() -> None:
            for host in hosts:
                host.slowness = 1

        return undo

    def _clock(self, hosts: list[Host], amount: int) -> Undo:
        """The clocks jump, and stay there."""
        for host in hosts:
            host.clock.offset_ms = self._dice.between(-amount, amount)
        return lambda: None

    def _reset(self, hosts: list[Host], _amount: int) -> Undo:
        """All links of the hosts break."""
        for host in hosts:
            for peer in self._network.peers_of(host.place):
                self._network.reset(host.place, peer)
        return lambda: None

    def _storm(self, kind: str, _hosts: list[Host], amount: int) -> Undo:
        """The whole network loses, doubles or mixes up messages."""
        field, weather = f"{kind}_ppm", self._network.weather
        chance = amount or STORMS[kind]
        setattr(weather, field, getattr(weather, field) + chance)
        return partial(self._calm, weather, field, chance)

    @staticmethod
    def _calm(weather: Weather, field: str, chance: int) -> None:
        setattr(weather, field, getattr(weather, field) - chance)

    def _wipe_data(self, hosts: list[Host], amount: int) -> Undo:
        """Kill, lose the data directory, keep the sign state."""
        undo = self._crash_now(hosts)
        for host in hosts:
            host.disk.wipe_chain()
            self._judge.forget(host.place)
        return undo

    def _wipe_sign_state(self, hosts: list[Host], amount: int) -> Undo:
        """Kill, lose the sign state, keep the data: without it nothing is signed any more."""
        undo = self._crash_now(hosts)
        for host in hosts:
            host.is_follower = True
        return undo

    def _restore_backup(self, hosts: list[Host], amount: int) -> Undo:
        """Back up the sign state, with `amount` the data too; at the end bring that back."""
        kept = [(host, host.disk.journal.copy()) for host in hosts if host.disk.journal is not None]

        def undo() -> None:
            for host, data in kept:
                host.crash()
                if host.disk.journal is not None:
                    host.disk.journal.bring(data, is_imported=False)
                if amount:
                    host.disk.wipe_chain()
                    self._judge.forget(host.place)
                self.first_start(host)
                self._schedule.after(OPERATOR_US, self._see_to, host)

        return undo

    def _see_to(self, host: Host) -> None:
        """Restart a node that stopped since its key signed what it did not know of; then it listens.

        Reset one that others offer something else than what is pinned; pin a newer block for one that got to
        its own too late.
        """
        node = host.node
        if node is not None and node.halted == "fenced":
            host.crash()
            self.first_start(host)
        elif node is not None and node.is_pin_contradicted and not node.is_trusted:
            host.crash()
            host.disk.wipe_chain()
            self._judge.forget(host.place)
            self.first_start(host)
        elif node is not None and not node.is_trusted and host.pinned and host.pinned[0] <= node.final_height:
            host.crash()
            host.pinned = self._judge.newest()
            self.first_start(host)
        self._schedule.after(OPERATOR_US, self._see_to, host)

    def _copy_fence(self, hosts: list[Host], _amount: int) -> Undo:
        """Start a second machine with the key of each host, and a copy of its fence."""
        for host in hosts:
            for spare in self._hosts:
                if spare.is_spare and spare.actor.consensus_key == host.actor.consensus_key:
                    if spare.disk.journal is not None and host.disk.journal is not None:
                        spare.disk.journal.bring(host.disk.journal.copy(), is_imported=True)
                    spare.start()
        return lambda: None

    def _copy_chain(self, hosts: list[Host], _amount: int) -> Undo:
        """Somebody with the keys of each host begins another chain on the first one's blocks."""
        for host in hosts:
            for spare in self._hosts:
                if spare.is_spare and spare.actor.consensus_key == host.actor.consensus_key:
                    spare.disk.copy_chain(hosts[0].disk)
                    spare.start()
        return lambda: None

    def _apart(self, hosts: list[Host], _amount: int) -> Undo:
        """Second machines never reach the hosts: it is for others to be fooled by them."""
        spares = [host.place for host in self._hosts if host.is_spare]
        pairs = [(host.place, spare) for host in hosts for spare in spares]
        self._network.block(pairs + [(b, a) for a, b in pairs])
        return lambda: None

    def _pin(self, hosts: list[Host], _amount: int) -> Undo:
        """The operators pin the newest final block for the next start, and look after the nodes."""
        for host in hosts:
            host.pinned = self._judge.newest()
            self._schedule.after(OPERATOR_US, self._see_to, host)
        return lambda: None

    def _crash_now(self, hosts: list[Host]) -> Undo:
        for host in hosts:
            self._down[host.place] = self._down.get(host.place, 0) + 1
            host.crash()
        return partial(self._start, hosts)
