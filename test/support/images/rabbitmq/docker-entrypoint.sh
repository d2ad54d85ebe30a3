#!/bin/sh
# As the official image: the server runs as its own user and logs to the console. RabbitMQ itself reads
# RABBITMQ_DEFAULT_USER, RABBITMQ_DEFAULT_PASS and RABBITMQ_DEFAULT_VHOST.
set -e
if [ "$1" != rabbitmq-server ]; then exec "$@"; fi
shift
# Erlang reserves memory for every file it may open: an unlimited container makes it slow and fat.
ulimit -n 65536 2>/dev/null || true
chown -R rabbitmq: /var/lib/rabbitmq
cd /var/lib/rabbitmq
export HOME=/var/lib/rabbitmq RABBITMQ_LOGS=-
exec setpriv --reuid=rabbitmq --regid=rabbitmq --init-groups /usr/lib/rabbitmq/bin/rabbitmq-server "$@"
