"""One sample in flight: a connection that is opened, used for one request and closed, without blocking."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import socket
import struct

from vipswap_rest.measure.probe.answer import LARGEST_HEAD, NotHttp, read_answer, request
from vipswap_rest.measure.probe.samples import SampleOutcome
from vipswap_rest.measure.probe.target import Endpoint

# Close with a reset: without TIME_WAIT no port is used again while the other end still holds its old connection, which
# would answer a SYN late.
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_NONBLOCKING = getattr(socket, "SOCK_NONBLOCK", 0)
_PENDING = {errno.EINPROGRESS, errno.EALREADY, errno.EWOULDBLOCK}
_OUTCOMES = {
    errno.ECONNREFUSED: SampleOutcome.REFUSED,
    errno.ECONNRESET: SampleOutcome.RESET,
    errno.ECONNABORTED: SampleOutcome.RESET,
    errno.EPIPE: SampleOutcome.RESET,
    errno.ETIMEDOUT: SampleOutcome.TIMEOUT,
    errno.EHOSTUNREACH: SampleOutcome.UNREACHABLE,
    errno.EHOSTDOWN: SampleOutcome.UNREACHABLE,
    errno.ENETUNREACH: SampleOutcome.UNREACHABLE,
}


class EndpointRequest:
    """What is the same for all samples of one endpoint."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        target = endpoint.target
        self.request = request(target.authority, target.path) if target.scheme == "http" else None
        self.identities = target.identities
        # Only on our own machine can a connection come to itself.
        self.on_loopback = ipaddress.ip_address(endpoint.address[0].partition("%")[0]).is_loopback


class OpenSample:
    """A sample from its sending to its end. `outcome` is None until it has ended; then `identity` says who answered.

    sent: when it was sent, seconds of the monotonic clock. stalled: how long the prober had stalled by then.
    """

    __slots__ = ("_connected", "_data", "_prepared", "error", "fd", "identity", "outcome", "sent", "sock", "stalled")

    def __init__(self, prepared: EndpointRequest, sent: float, stalled: float) -> None:
        self._prepared, self.sent, self.stalled = prepared, sent, stalled
        self.outcome: SampleOutcome | None = None
        self.identity: str | None = None
        self.error: str | None = None
        self.sock: socket.socket | None = None
        self.fd = -1
        self._connected = False
        self._data = b""

    def begin(self) -> None:
        """Send the SYN."""
        endpoint = self._prepared.endpoint
        try:
            sock = socket.socket(endpoint.family, socket.SOCK_STREAM | _NONBLOCKING)
        except OSError as error:
            self._fail(error.errno)
            return
        self.sock, self.fd = sock, sock.fileno()
        if not _NONBLOCKING:
            sock.setblocking(False)
        code = sock.connect_ex(endpoint.address)
        if code and code not in _PENDING:
            self._fail(code)

    def advance(self) -> bool:
        """Do what its socket is ready for. Returns True if it waits for reading only from now on."""
        sock = self.sock
        assert sock is not None
        try:
            if not self._connected:
                return self._connect(sock)
            self._read(sock.recv(LARGEST_HEAD))
        except BlockingIOError:
            return False
        except OSError as error:
            self._fail(error.errno)
        return False

    def _connect(self, sock: socket.socket) -> bool:
        # The second connect() returns the result of the first, or that it is still pending.
        code = sock.connect_ex(self._prepared.endpoint.address)
        if code in _PENDING:
            return False
        if code not in (0, errno.EISCONN):
            self._fail(code)
            return False
        if self._prepared.on_loopback and sock.getsockname() == sock.getpeername():
            # Nothing listens there, and the kernel chose that very port for our own end.
            self.outcome = SampleOutcome.REFUSED
            return False
        self._connected = True
        if self._prepared.request is None:
            self.outcome = SampleOutcome.OK
            return False
        sock.send(self._prepared.request)
        return True

    def expire(self, *, ours: bool) -> None:
        """Its time is over; `ours` says whether it was we who let it pass.

        Where the status has come and only the end of the body has not, it was answered: a body of unknown length has no
        end while the server keeps the connection open.
        """
        if not self._data or not self._judge(ended=True):
            self.outcome, self.error = (SampleOutcome.PROBER_ERROR, "STALL") if ours else (SampleOutcome.TIMEOUT, None)

    def _read(self, data: bytes) -> None:
        self._data += data
        if not self._judge(ended=not data):
            if not data:
                self.outcome = SampleOutcome.RESET
            elif len(self._data) > 2 * LARGEST_HEAD:
                self.outcome = SampleOutcome.HTTP_ERROR

    def _judge(self, *, ended: bool) -> bool:
        """Set the outcome if what has come is a complete answer or can never become one; returns whether it is set."""
        try:
            answer = read_answer(self._data, ended=ended)
        except NotHttp:
            self.outcome = SampleOutcome.HTTP_ERROR
            return True
        if answer is None:
            return False
        self.identity = answer.identity
        if answer.status >= 400:
            self.outcome = SampleOutcome.HTTP_ERROR
        elif self._prepared.identities and answer.identity not in self._prepared.identities:
            self.outcome = SampleOutcome.WRONG_IDENTITY
        else:
            self.outcome = SampleOutcome.OK
        return True

    def _fail(self, code: int | None) -> None:
        self.outcome = _OUTCOMES.get(code or 0, SampleOutcome.PROBER_ERROR)
        if self.outcome is SampleOutcome.PROBER_ERROR:
            self.error = errno.errorcode.get(code or 0, str(code))

    def close(self) -> None:
        """Give the socket back, with a reset."""
        if self.sock is None:
            return
        with contextlib.suppress(OSError):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.sock.close()
        self.sock = None
