# SPDX-License-Identifier: Apache-2.0
"""firewall_traffic.py - real packets for tests/it/firewall.bats.

  serve                     answer TCP and UDP on every address, port 7777; says "ready"
  reach PROTO/ADDR...       try all of them at once; a line each: PROTO ADDR OUTCOME
  hear ADDR PEER            a UDP socket of ADDR, connected to PEER; says "ready", then "heard" or
                            "nothing"
  tell ADDR PEER            a datagram for `hear PEER ADDR`

PROTO: tcp, udp, ping (an ICMP socket that needs no capability), raw (one that does). OUTCOME:
"through" when the answer came, "blocked" when it did not come or the kernel said EPERM, else the
error: a missing route must not look like a firewall.
"""
import errno
import select
import socket
import struct
import sys
import threading

PORT = 7777
WAIT_S = 0.6
HEAR_PORT, TELL_PORT = 7778, 7779


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def serve():
    tcp = socket.create_server(("::", PORT), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64)
    udp = []
    # One socket a family: the answer must leave from the address that was asked.
    for family, anywhere in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        s = socket.socket(family, socket.SOCK_DGRAM)
        if family == socket.AF_INET6:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        s.bind((anywhere, PORT))
        udp.append(s)
    print("ready", flush=True)
    while True:
        for s in select.select([tcp, *udp], [], [])[0]:
            try:
                if s is tcp:
                    connection = s.accept()[0]
                    connection.settimeout(WAIT_S)
                    connection.sendall(connection.recv(16))
                    connection.close()
                else:
                    data, who = s.recvfrom(16)
                    s.sendto(data, who)
            except OSError:
                pass


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def echo(kind, address):
    six = family_of(address) == socket.AF_INET6
    protocol = socket.IPPROTO_ICMPV6 if six else socket.IPPROTO_ICMP
    with socket.socket(family_of(address), kind, protocol) as s:
        s.settimeout(WAIT_S)
        s.connect((address, 0))
        request = struct.pack("!BBHHH", 128 if six else 8, 0, 0, 0x1C, 1) + b"ironclaw"
        if not six:
            request = request[:2] + struct.pack("!H", checksum(request)) + request[4:]
        s.send(request)
        while True:
            answer = s.recv(256)
            if kind == socket.SOCK_RAW and not six:
                answer = answer[20:]
            # On loopback a raw socket sees its own request first.
            if answer[0] == (129 if six else 0) and answer.endswith(b"ironclaw"):
                return


def ask(proto, address):
    if proto == "tcp":
        with socket.create_connection((address, PORT), timeout=WAIT_S) as s:
            s.sendall(b"hello")
            if s.recv(16) != b"hello":
                raise OSError(errno.EPROTO, "no answer")
    elif proto == "udp":
        with socket.socket(family_of(address), socket.SOCK_DGRAM) as s:
            s.settimeout(WAIT_S)
            s.sendto(b"hello", (address, PORT))
            s.recv(16)
    elif proto == "ping":
        echo(socket.SOCK_DGRAM, address)
    elif proto == "raw":
        echo(socket.SOCK_RAW, address)
    else:
        sys.exit("no such protocol: " + proto)


def outcome(proto, address):
    try:
        ask(proto, address)
        return "through"
    except TimeoutError:
        return "blocked"
    except OSError as e:
        return "blocked" if e.errno == errno.EPERM else str(e)


def reach(targets):
    results = {}

    def one(target):
        results[target] = outcome(*target.split("/"))

    threads = [threading.Thread(target=one, args=(t,)) for t in targets]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for target in targets:
        print(*target.split("/"), results[target])


def hear(address, peer, seconds):
    with socket.socket(family_of(address), socket.SOCK_DGRAM) as s:
        s.bind((address, HEAR_PORT))
        s.connect((peer, TELL_PORT))
        s.settimeout(int(seconds))
        print("ready", flush=True)
        try:
            s.recv(16)
            print("heard", flush=True)
        except TimeoutError:
            print("nothing", flush=True)


def tell(address, peer):
    with socket.socket(family_of(address), socket.SOCK_DGRAM) as s:
        s.bind((address, TELL_PORT))
        s.sendto(b"hello", (peer, HEAR_PORT))


if sys.argv[1] == "serve":
    serve()
elif sys.argv[1] == "reach":
    reach(sys.argv[2:])
elif sys.argv[1] == "hear":
    hear(*sys.argv[2:])
else:
    tell(*sys.argv[2:])
