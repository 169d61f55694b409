#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Limits of many kinds, met by a client that asks for too much in many ways, and what only looks like one.

    finding_limits.py PATH-TO-WHYRST [NAME...]
"""
import random

import finding_cases
from finding_cases import DAY, START, Capture
from finding_chance import SEEDS, at_random, meet, play

SERVER = "192.0.2.1:443"
CLIENT = "10.0.0.5"


def others(dice, seconds):
    for when in at_random(dice, seconds, 0.5):
        yield when, f"10.0.0.{dice.randrange(3) + 6}", SERVER, "served"


def steady(dice, seconds, pause):
    when = dice.uniform(0, pause)
    while when < seconds:
        yield when
        when += pause * dice.uniform(0.9, 1.1)


def limited(attempts, is_accepted, end="refused", seconds=60):
    """Captures of a client whose attempts `is_accepted` lets in, or not; `attempts` makes them."""
    captures = []
    for seed in SEEDS:
        dice, accept, capture = random.Random(seed), is_accepted(), Capture(START + seed * DAY)
        own = [(when, CLIENT, SERVER, None) for when in attempts(dice)]
        for when, client, server, _ in sorted(own + list(others(dice, seconds))):
            come = max(when, capture.now + 0.0001)
            let_in = client != CLIENT or accept(come)
            meet(capture, come, client, server, "served" if let_in else end)
        captures.append(capture)
    return captures, {"rate-limit": {"client": CLIENT, "confidence": "high"}}


def bucket(rate, size):
    def make():
        state = {"tokens": size, "last": 0}

        def accept(when):
            state["tokens"] = min(size, state["tokens"] + rate * (when - state["last"]))
            state["last"] = when
            accepted = state["tokens"] >= 1
            state["tokens"] -= accepted
            return accepted
        return accept
    return make


def window(number, seconds, all_count):
    def make():
        times = []

        def accept(when):
            accepted = sum(when - other < seconds for other in times) < number
            if accepted or all_count:
                times.append(when)
            return accepted
        return accept
    return make


def periods(number, seconds):
    """Counts anew each time that the clock begins so many seconds."""
    def make():
        state = {}

        def accept(when):
            period = int((START + when) / seconds) # days are whole periods
            state[period] = state.get(period, 0) + 1
            return state[period] <= number
        return accept
    return make


def case_bucket_of_a_busy_client():
    """Five a second, five at once; always half as much again is asked for, for hundreds of connections."""
    return limited(lambda dice: at_random(dice, 60, 1 / 7.5), bucket(5, 5))


def case_bucket_after_the_hello():
    """The same limit resets once it has seen the ClientHello."""
    return limited(lambda dice: at_random(dice, 60, 1 / 10), bucket(5, 5), "reset")


def case_bucket_in_a_storm():
    """A calm client that asks for three times as much for a while."""
    def attempts(dice):
        yield from at_random(dice, 30, 2)
        yield from (30 + when for when in at_random(dice, 15, 1 / 6))
        yield from (45 + when for when in at_random(dice, 15, 2))

    return limited(attempts, bucket(2, 10))


def case_window_of_accepted():
    """Ten accepted in any ten seconds, whatever was refused; three a second are asked for."""
    return limited(lambda dice: steady(dice, 60, 1 / 3), window(10, 10, False))


def case_periods_of_a_clock():
    """Ten in each ten seconds by the clock; six of them do not always show it."""
    captures, wanted = limited(lambda dice: at_random(dice, 60, 1 / 2), periods(10, 10))
    return captures, wanted | {"refusal-rate": {}}


def case_attempts_that_never_pause():
    """Refused attempts count as well, so who goes on is never let in again: so does a ban."""
    captures, _ = limited(lambda dice: steady(dice, 60, 1 / 1.5), window(10, 10, True))
    return captures[:1], {"ip-block": {"client": CLIENT, "confidence": "medium"}}


def case_cut_off():
    """Sixty connections within a few seconds, of which the first ten are let in; that is all there is to
    see."""
    def attempts(_dice):
        return [20 + number * 0.1 for number in range(60)]

    captures, _ = limited(attempts, window(10, 10, True))
    return captures[:1], {"rate-limit": {"client": CLIENT, "confidence": "low"}}


def case_each_fourth():
    """One of four backends resets: every fourth connection, whenever it comes. A limit that is always met
    looks the same."""
    captures = []
    for seed in SEEDS:
        dice = random.Random(seed)
        own = [(when, CLIENT, SERVER, "served" if number % 4 else "reset")
               for number, when in enumerate(steady(dice, 60, 0.5))]
        captures.append(play(own + list(others(dice, 60)), START + seed * DAY))
    return captures, {"rate-limit": {"client": CLIENT, "confidence": "low"}}


def case_own_outages():
    """What serves one client is down for some seconds now and then."""
    captures = []
    for seed in SEEDS:
        dice = random.Random(seed)
        downs = [(begin, begin + dice.uniform(1, 15)) for begin in at_random(dice, 300, 40)]
        own = [(when, CLIENT, SERVER,
                "reset" if any(begin <= when < end for begin, end in downs) else "served")
               for when in at_random(dice, 300, 0.5)]
        captures.append(play(own + list(others(dice, 300)), START + seed * DAY))
    return captures, {"reset-rate": {}}


def case_sessions_that_end():
    """All six connections of a browser are reset when its user logs out, seconds after they were accepted."""
    captures = []
    for seed in SEEDS:
        dice, capture = random.Random(seed), Capture(START + seed * DAY)
        for _ in range(6):
            labels = [capture.asked(0.01, client=CLIENT) for _ in range(6)]
            for label in labels:
                capture.say(5 if label == labels[0] else 0.0005, f"{label}:s>c RA")
            for _ in range(6):
                capture.served(wait=dice.uniform(0.1, 2), client=CLIENT)
                capture.served(wait=dice.uniform(0.1, 2), client="10.0.0.6")
        captures.append(capture)
    return captures, {"reset-rate": {}}


if __name__ == "__main__":
    finding_cases.main(globals())
