# fish completion for patop-trio
# Made by docs/tools/share.py from the program's table of options; do not edit.

complete -c patop-trio -s h -l help -d 'give this help'
complete -c patop-trio -s V -l version -d 'show version'
