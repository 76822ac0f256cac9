#!/bin/sh
while IFS= read -r task; do
    echo "$((task * task))"
    echo # end-of-task marker
done
