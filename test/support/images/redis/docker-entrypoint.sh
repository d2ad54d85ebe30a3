#!/bin/sh
# As the official image: bare options or a configuration file mean redis-server, and a server inside a container
# has no protected mode, because its network is its protection.
set -e
case "$1" in
  -* | *.conf) set -- redis-server "$@" ;;
esac
if [ "$1" = redis-server ]; then
  set -- "$@" --protected-mode no
fi
exec "$@"
