# fish completion for paargs-trio
# Made by docs/tools/share.py from the program's table of options; do not edit.

complete -c paargs-trio -x -a '(__fish_complete_subcommand -P -t -c -I -Z -m --prefetch)'
complete -c paargs-trio -s h -l help -d 'give this help'
complete -c paargs-trio -s V -l version -d 'show version'
complete -c paargs-trio -s P -x -a '+(nproc) (__fish_print_hostnames)' -d 'the nodes'
complete -c paargs-trio -s t -x -a '(__fish_complete_command)' -d 'program that reaches a node, such as ssh'
complete -c paargs-trio -s c -x -a '(__fish_complete_command)' -d 'the command, for the shell, instead of free arguments'
complete -c paargs-trio -s I -x -a '{} %%' -d 'XX (two octets) in the command, or an argument XX, stands for the task'
complete -c paargs-trio -s X -d 'discard what the command prints'
complete -c paargs-trio -s f -d 'accepted, without effect'
complete -c paargs-trio -s 0 -d 'tasks on standard input end with NUL instead of newline'
complete -c paargs-trio -s z -d 'go on without nodes that die'
complete -c paargs-trio -s Z -x -d '-z, restart dead nodes after so many seconds, and wait while all are dead'
complete -c paargs-trio -s m -x -a 't= s= f= F= d= w=' -d 'words'
complete -c paargs-trio -l group -d 'print the lines of a task together, when it is done'
complete -c paargs-trio -l keep-order -d 'the same, in the order of the tasks'
complete -c paargs-trio -l prefetch -x -a 'auto' -d 'keep so many tasks in the input of each calculator, so that it need not wait for the next'
