# fish completion for pareorder-trio
# Made by docs/tools/share.py from the program's table of options; do not edit.

complete -c pareorder-trio -s h -l help -d 'give this help'
complete -c pareorder-trio -s V -l version -d 'show version'
complete -c pareorder-trio -s M -x -a 'm f s' -d 'how results are kept and ordered'
complete -c pareorder-trio -s l -d 'keep the task\'s number in front of each line'
complete -c pareorder-trio -s S -d 'remove a space at the beginning of each line, if there is one'
complete -c pareorder-trio -s g -d 'the input is output of \'paexec -gle\''
complete -c pareorder-trio -s y -d 'the end-of-task marker is the magic line of \'paexec -y\''
complete -c pareorder-trio -s x -d 'the same as -y'
complete -c pareorder-trio -s m -x -a 't= F= f= s=' -d 'words of the protocol'
complete -c pareorder-trio -l line-limit -x -d 'longest line accepted, in octets'
