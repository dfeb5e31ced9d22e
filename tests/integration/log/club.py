"""A small context with rules: members with unique names, who join clubs while these are open."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from eventstore import Claim, Command, Decision, Event, EventRegistry
from eventstore.command import State
from eventstore.refusals import AlreadyExists, DoesNotExist, NotAllowed

CLUBS = EventRegistry()


class MemberNamed(Event, event_type="club.member_named", registry=CLUBS):
    name: str


class Joined(Event, event_type="club.joined", registry=CLUBS):
    club: str


class ClubOpened(Event, event_type="club.opened", registry=CLUBS):
    pass


class ClubClosed(Event, event_type="club.closed", registry=CLUBS):
    pass


@dataclass(frozen=True)
class Member:
    name: str | None = None
    clubs: int = 0

    def after(self, event: Event) -> Self:
        if isinstance(event, MemberNamed):
            return replace(self, name=event.name)
        return replace(self, clubs=self.clubs + 1) if isinstance(event, Joined) else self


@dataclass(frozen=True)
class Club:
    is_open: bool = False

    def after(self, event: Event) -> Self:
        if isinstance(event, ClubOpened | ClubClosed):
            return replace(self, is_open=isinstance(event, ClubOpened))
        return self


def claim(name: str) -> Claim:
    return Claim("club.member.name", name.casefold())


class NameMember(Command):
    """Gives a member its first name, or another one."""

    member: str
    name: str

    def reads(self) -> dict[str, State]:
        return {f"member-{self.member}": Member()}

    def decide(self, member: Member) -> Decision:
        if member.name == self.name:
            raise AlreadyExists("member", self.name)
        former = [] if member.name is None else [claim(member.name)]
        return Decision([MemberNamed(name=self.name)], claims=[claim(self.name)], releases=former)


class Join(Command):
    member: str
    club: str
    at_most: int = 1_000

    def reads(self) -> dict[str, State]:
        return {f"member-{self.member}": Member(), f"club-{self.club}": Club()}

    def decide(self, member: Member, club: Club) -> Event:
        if not club.is_open:
            raise DoesNotExist("open club", self.club)
        if member.clubs >= self.at_most:
            raise NotAllowed(f"at most {self.at_most} clubs for one member; leave one first")
        return Joined(club=self.club)


class CloseEmpty(Command):
    """Closes a club that a member was not seen in."""

    club: str
    member: str

    def reads(self) -> dict[str, State]:
        return {f"club-{self.club}": Club(), f"member-{self.member}": Member()}

    def decide(self, club: Club, member: Member) -> list[Event]:
        if not club.is_open or member.clubs:
            raise NotAllowed("it is closed, or has a member")
        return [ClubClosed()]
