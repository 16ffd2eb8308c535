"""The demo's repository: made from two folders, served over smart HTTP without a git program.

    git_server.py build <fixtures> <repository>    prints the commits as JSON
    git_server.py serve <repository> <path> <port>
"""

import json
import logging
import shutil
import socketserver
import stat
import sys
from collections import deque
from pathlib import Path
from wsgiref.simple_server import make_server

from dulwich.objects import Blob, Commit, Tree
from dulwich.repo import Repo
from dulwich.server import DictBackend, UploadPackHandler
from dulwich.web import WSGIRequestHandlerLogger, WSGIServerLogger, make_wsgi_chain

AUTHOR = b"Ada Shopkeeper <ada@shop.example>"
# Fixed, so that the same files make the same commits everywhere.
WRITTEN_AT = 1_760_000_000


def store_folder(repository, folder):
    tree = Tree()
    for entry in sorted(folder.iterdir()):
        name = entry.name.encode()
        if entry.is_dir():
            tree.add(name, stat.S_IFDIR, store_folder(repository, entry))
        else:
            blob = Blob.from_string(entry.read_bytes())
            repository.object_store.add_object(blob)
            tree.add(name, stat.S_IFREG | 0o644, blob.id)
    repository.object_store.add_object(tree)
    return tree.id


def store_commit(repository, folder, parents, message, age):
    commit = Commit()
    commit.tree = store_folder(repository, folder)
    commit.parents = parents
    commit.author = commit.committer = AUTHOR
    commit.author_time = commit.commit_time = WRITTEN_AT + age
    commit.author_timezone = commit.commit_timezone = 0
    commit.encoding = b"UTF-8"
    commit.message = message
    repository.object_store.add_object(commit)
    return commit.id


def build(fixtures, path):
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    repository = Repo.init_bare(str(path))
    base = store_commit(repository, fixtures / "base", [], b"Open the shop\n", 0)
    message = b"Print receipts and labels\n\nAnd search orders by customer.\n"
    head = store_commit(repository, fixtures / "head", [base], message, 3600)
    for name, commit in ((b"heads/main", base), (b"heads/receipts", head), (b"pull/2/head", head)):
        repository.refs[b"refs/" + name] = commit
    repository.refs.set_symbolic_ref(b"HEAD", b"refs/heads/main")
    json.dump({"base": base.decode(), "head": head.decode()}, sys.stdout)


class AnyOrder(UploadPackHandler):
    """Takes a request whose lines stand in any order, as git's own server does.

    gix names the depth that it wants before what it has shallowly; dulwich reads it the other way
    round and gives up.
    """

    def __init__(self, backend, args, proto, **options):
        super().__init__(backend, args, proto, **options)
        lines = DepthLast(proto.read_pkt_line)
        proto.read_pkt_line, proto.unread_pkt_line = lines.read, lines.unread


class DepthLast:
    """The lines of a request, of which the first section is put in order."""

    def __init__(self, read):
        self.read_raw = read
        self.waiting = None

    def read(self):
        if self.waiting is None:
            section = iter(self.read_raw, None)
            in_order = sorted(section, key=lambda line: line.startswith(b"deepen"))
            self.waiting = deque([*in_order, None])
        return self.waiting.popleft() if self.waiting else self.read_raw()

    def unread(self, line):
        self.waiting.appendleft(line)


class ThreadedServer(socketserver.ThreadingMixIn, WSGIServerLogger):
    daemon_threads = True


def serve(path, public_path, port):
    logging.basicConfig(level=logging.INFO)
    backend = DictBackend({public_path: Repo(str(path))})
    app = make_wsgi_chain(backend, handlers={b"git-upload-pack": AnyOrder})
    server = make_server(
        "127.0.0.1",
        port,
        app,
        handler_class=WSGIRequestHandlerLogger,
        server_class=ThreadedServer,
    )
    server.serve_forever()


if __name__ == "__main__":
    command, arguments = sys.argv[1], sys.argv[2:]
    if command == "build":
        build(Path(arguments[0]), Path(arguments[1]))
    else:
        serve(Path(arguments[0]), arguments[1], int(arguments[2]))
