#!/bin/sh
# Installing a package starts no service: a container runs what its command says.
exit 101
