"""A patient and polite client of Overpass and Nominatim.

OSMnx could send the requests itself, but it retries without end, waits 55 s whatever the server asks for, redirects
the name resolution of the whole process, and may ask a third server (DNS over HTTPS) for an address. So the requests
are sent here, in the form in which OSMnx sends them: one at a time, with a pause between two; a server that is busy is
asked again after the time that it names, or after growing pauses; everything has an end.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import re
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit, urlunsplit

import requests

from withinreach.errors import CoverageError, SourceError
from withinreach.sources.fetch.answers import Answers, Question, Receipt

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

log = logging.getLogger(__name__)

OVERPASS_URL = "https://overpass-api.de/api"
NOMINATIM_URL = "https://nominatim.openstreetmap.org"
OPTIONS = {"overpass": "--overpass-url", "nominatim": "--nominatim-url"}
# Seconds that an Overpass query may take on the server; the client waits a little longer for the answer.
QUERY_S = 180
CHUNK_BYTES = 1 << 16
# Busy, overloaded or restarting: worth another try. Every other error status would come back the same.
PASSING = frozenset({408, 429, 500, 502, 503, 504})
# Overpass reports a query that ran out of time or memory with status 200 and this in the answer, which then lacks data.
BROKEN_OFF = re.compile(r"runtime error|out of memory|timed out", re.IGNORECASE)


@dataclass(frozen=True)
class Services:
    """Base addresses of the two services, as OSMnx has them."""

    overpass: str = OVERPASS_URL
    nominatim: str = NOMINATIM_URL

    def url(self, question: Question) -> str:
        """Full address of a question.

        Raises
        ------
        CoverageError
            If the base address is not an ``http`` or ``https`` one.
        """
        base = self.overpass if question.service == "overpass" else self.nominatim
        parts = _split(base)
        if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
            raise CoverageError(
                f"{OPTIONS[question.service]} {public(base)}: is not an http or https address; "
                f"give one such as {OVERPASS_URL if question.service == 'overpass' else NOMINATIM_URL}"
            )
        path = parts.path.rstrip("/").removesuffix(f"/{question.path}")
        return urlunsplit(parts._replace(path=f"{path}/{question.path}", fragment=""))


@dataclass(frozen=True)
class Patience:
    """How long and how often to try, all in seconds but `tries`.

    Nominatim allows one request per second. The longest wait is that of OSMnx, doubled; a server that asks for a longer
    one is obeyed as long as the whole download may take it.
    """

    tries: int = 6
    pause_s: float = 1.0
    first_wait_s: float = 5.0
    longest_wait_s: float = 120.0
    answer_s: float = QUERY_S + 20.0
    total_s: float = 7200.0


@dataclass(frozen=True)
class Answered:
    """A question, the receipt of its answer, and the state of OpenStreetMap that it shows (ISO 8601, or empty)."""

    question: Question
    receipt: Receipt
    osm_base: str


class _TryAgainError(Exception):
    """A try failed in a way that may pass; `wait_s` is what the server asks for, if it does."""

    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait_s = wait_s


class Client:
    """Asks the services one question at a time and keeps every answer.

    Parameters
    ----------
    folder
        Where answers are kept, and taken from when the same is asked again.
    fresh
        Ask the server even if an answer is kept.
    """

    def __init__(
        self,
        folder: Path,
        *,
        services: Services | None = None,
        patience: Patience | None = None,
        fresh: bool = False,
    ) -> None:
        self.services = services or Services()
        self.patience = patience or Patience()
        self.answered: list[Answered] = []
        self._kept = Answers(folder)
        self._fresh = fresh
        self._end = time.monotonic() + self.patience.total_s
        self._next = 0.0
        self._headers = {"User-Agent": f"withinreach/{version('withinreach')}"}

    def overpass(self, query: str) -> list[dict[str, Any]]:
        """Send a query in Overpass QL (``[out:json]``) and return the elements."""
        elements: list[dict[str, Any]] = self._ask(Question("overpass", "interpreter", {"data": query}))["elements"]
        return elements

    def nominatim(self, path: str, **parameters: str) -> Any:
        """Ask Nominatim's ``search``, which gives a list of results, or ``reverse``, which gives a dict."""
        return self._ask(Question("nominatim", path, parameters))

    def _ask(self, question: Question) -> Any:
        url = self.services.url(question)
        kept = None if self._fresh else self._kept.find(question)
        if kept is not None:
            body, receipt = kept
            content = json.loads(body)
        else:
            body, content = self._patiently(question, url)
            receipt = self._kept.keep(question, body, server=public(url), fetched_at=utc_now())
        self.answered.append(Answered(question, receipt, _osm_base(content)))
        return content

    def _patiently(self, question: Question, url: str) -> tuple[bytes, Any]:
        """Try until there is a whole, readable answer or the patience is at its end."""
        count = 0
        while True:
            count += 1
            self._sleep(max(0.0, self._next - time.monotonic()))
            try:
                body = self._send(question, url)
                return body, _content(question, body)
            except _TryAgainError as failure:
                wait_s = self._wait_s(count, failure.wait_s)
                if count >= self.patience.tries:
                    raise self._given_up(url, question, f"{failure.reason} (try {count} of {count})") from None
                if time.monotonic() + wait_s >= self._end:
                    raise self._given_up(
                        url, question, f"{failure.reason}, and a wait of {wait_s:.0f} s exceeds the time allowed"
                    ) from None
                log.warning(
                    "%s: %s; trying again in %.0f s (try %d of %d)",
                    public(url),
                    failure.reason,
                    wait_s,
                    count + 1,
                    self.patience.tries,
                )
                self._sleep(wait_s)
            finally:
                self._next = time.monotonic() + self.patience.pause_s

    def _wait_s(self, count: int, asked_s: float | None) -> float:
        growing = min(self.patience.first_wait_s * 2.0 ** (count - 1), self.patience.longest_wait_s)
        return growing if asked_s is None else max(asked_s, self.patience.pause_s)

    def _sleep(self, seconds: float) -> None:
        if seconds > 0:
            time.sleep(seconds)

    def _given_up(self, url: str, question: Question, reason: str) -> SourceError:
        return SourceError(
            f"{public(url)}: no usable answer: {reason}; what has arrived is kept in {self._kept.folder}: run the same "
            f"command again later to go on, or name another server with {OPTIONS[question.service]}"
        )

    def _send(self, question: Question, url: str) -> bytes:
        """One try: the body of an answer with status 200.

        A redirect is an error, because it would turn a POST into a GET without its query, and could lead anywhere.
        """
        left_s = self._end - time.monotonic()
        if left_s <= 0:
            raise self._given_up(url, question, f"the {self.patience.total_s / 60:.0f} minutes allowed are over")
        form = dict(question.parameters)
        post = question.service == "overpass"
        try:
            with requests.request(
                "POST" if post else "GET",
                url,
                data=form if post else None,
                params=None if post else form,
                headers=self._headers,
                timeout=min(self.patience.answer_s, left_s),
                allow_redirects=False,
                stream=True,
            ) as response:
                self._need_success(response, url, question)
                return self._body(response)
        except requests.exceptions.SSLError:
            raise self._refused(url, question, "its certificate is not trusted here") from None
        except requests.exceptions.InvalidURL:
            raise self._refused(url, question, "the address is not valid") from None
        except requests.exceptions.Timeout:
            raise _TryAgainError("no answer in time") from None
        except requests.exceptions.RequestException as error:
            raise _TryAgainError(_told(error)) from None

    def _need_success(self, response: requests.Response, url: str, question: Question) -> None:
        status = response.status_code
        if status in PASSING:
            raise _TryAgainError(f"status {status} {response.reason}", retry_after_s(response.headers))
        if response.is_redirect:
            target = public(response.headers.get("Location", ""))
            raise self._refused(url, question, f"it has moved to {target}; give the new address")
        if status != requests.codes.ok:
            raise self._refused(url, question, f"it refused with status {status} {response.reason}")

    def _refused(self, url: str, question: Question, reason: str) -> SourceError:
        return SourceError(f"{public(url)}: {reason}; check {OPTIONS[question.service]} or name another server")

    def _body(self, response: requests.Response) -> bytes:
        """Read in pieces: the time limit of `requests` is per piece, so a trickle would never end."""
        started = time.monotonic()
        parts: list[bytes] = []
        for part in response.iter_content(CHUNK_BYTES):
            parts.append(part)
            if time.monotonic() - started > self.patience.answer_s:
                raise _TryAgainError("the answer trickles in too slowly")
        return b"".join(parts)


def utc_now() -> str:
    """The time as ISO 8601 in UTC, to the second."""
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _content(question: Question, body: bytes) -> Any:
    """Parse a body and make sure that it is whole."""
    try:
        content = json.loads(body)
    except ValueError:
        raise _TryAgainError("the answer is cut off or not JSON") from None
    if question.service == "overpass":
        if not isinstance(content, dict) or not isinstance(content.get("elements"), list):
            raise _TryAgainError("the answer holds no elements")
        remark = str(content.get("remark", ""))
        if BROKEN_OFF.search(remark):
            raise _TryAgainError(f"the server broke the query off ({' '.join(remark.split())[:200]})")
    elif not isinstance(content, list if question.path == "search" else dict):
        raise _TryAgainError("the answer is not a result of a search")
    return content


def _osm_base(content: Any) -> str:
    about = content.get("osm3s") if isinstance(content, dict) else None
    base = str(about.get("timestamp_osm_base", "")) if isinstance(about, dict) else ""
    try:
        dt.datetime.fromisoformat(base)
    except ValueError:
        return ""
    return base


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks to wait (``Retry-After``: seconds or a date); None if it does not say."""
    value = headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    when = when if when.tzinfo else when.replace(tzinfo=dt.UTC)
    return max(0.0, (when - dt.datetime.now(dt.UTC)).total_seconds())


def _told(error: requests.exceptions.RequestException) -> str:
    """What went wrong, without the text of the error, which may repeat an address with a key in it."""
    if isinstance(error, (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError)):
        return "the answer is cut off"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy does not let the request through"
    if isinstance(error, requests.exceptions.ConnectionError):
        return "the connection failed or broke off"
    return type(error).__name__


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:
        return None


def public(url: str) -> str:
    """An address without what may be secret: user, password and query."""
    parts = _split(url)
    if parts is None:
        return "(not an address)"
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))
