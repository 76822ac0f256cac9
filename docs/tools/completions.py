"""Completions for bash, zsh and fish, made from a program's table of options.

Each function takes the program's name and its command line and returns the text of a file.
"""

from __future__ import annotations

import shlex
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paexec_trio.cli.syntax import Option, Syntax

ORIGIN = "Made by docs/tools/share.py from the program's table of options; do not edit."


class Kind(Enum):
    """Kinds of values of options, as far as a shell can offer something for them."""

    CHOICE = "choice"
    COMMAND = "command"
    NODES = "nodes"
    FILE = "file"
    TEXT = "text"


KINDS = {
    "nodes": Kind.NODES,
    "transport": Kind.COMMAND,
    "command": Kind.COMMAND,
    "file": Kind.FILE,
}
"""Kinds of values, by their names in the table of options; all others are just text."""


def kind_of(option: Option) -> Kind:
    """Say what a shell can offer for the value of an option that has one."""
    if option.choices:
        return Kind.CHOICE
    return KINDS.get(option.value, Kind.TEXT)


def identifier(program: str) -> str:
    """Return a name for shell functions."""
    return "_" + program.replace("-", "_")


# bash

_BASH_HEAD = """\
# bash completion for @PROGRAM@
# @ORIGIN@

"""

_BASH = """\
@NAME@() {
    local words=() at=() line=$COMP_LINE unread word letter i
    COMPREPLY=()
    # The shell cuts words at = and : too; here those that no blank separates are whole again.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        unread=${line#"${line%%[![:space:]]*}"}
        if ((i > 0)) && [[ $unread == "$line" ]]; then
            words[-1]+=$word
        else
            words+=("$word")
            at+=("$i")
        fi
        line=${unread#"$word"}
    done
    local current=${words[-1]} option='' free='' prefix=''
    for ((i = 1; i < ${#words[@]} - 1; i++)); do
        word=${words[i]}
        if [[ $option ]]; then
            option=''
            continue
        fi
        case $word in
        --)
            free=$((i + 1))
            break
            ;;
        --*)
            [[ ' @LONG@ ' == *" $word "* ]] && option=$word
            ;;
        -?*)
            word=${word#-}
            while [[ $word ]]; do
                letter=${word:0:1}
                word=${word:1}
                if [[ '@LETTERS@' == *"$letter"* ]]; then
                    [[ $word ]] || option=-$letter
                    break
                fi
            done
            ;;
        *)
            free=$i
            break
            ;;
        esac
    done
    if [[ $free ]]; then
        @FREE@
        return
    fi
    if [[ ! $option && $current == --*=* ]]; then
        option=${current%%=*}
        current=${current#*=}
        [[ $COMP_WORDBREAKS == *=* ]] || prefix=$option= # it is replaced with the value
    fi
    case $option in
    '')
        if [[ $current == -* ]]; then
            mapfile -t COMPREPLY < <(compgen -W '@OPTIONS@' -- "$current")
        else
            free=$((${#words[@]} - 1))
            @FREE@
        fi
        ;;
@CASES@    esac
}

complete -F @NAME@ @PROGRAM@
"""

_BASH_FREE = {
    "": ":",
    "file": '@NAME@_files "$current"',
    "command": '@NAME@_command "${at[free]}" "$current"',
}

_BASH_VALUES = {
    Kind.COMMAND: """mapfile -t COMPREPLY < <(compgen -P "$prefix" -c -- "$current")""",
    Kind.FILE: '@NAME@_files "$current"',
    Kind.NODES: '@NAME@_nodes "$current"',
}

_BASH_FUNCTIONS = {
    "command": """\
# The words from number $1 on are a command line of their own; $2 is the one to be completed.
@NAME@_command() {
    if declare -F _command_offset >/dev/null; then
        _command_offset "$1"
    elif (($1 == COMP_CWORD)); then
        mapfile -t COMPREPLY < <(compgen -c -- "$2")
    else
        @NAME@_files "$2"
    fi
}
""",
    "nodes": """\
@NAME@_nodes() {
    if [[ $1 == :* ]]; then
        [[ $COMP_WORDBREAKS == *:* ]] || prefix+=: # it is replaced with the value
        @NAME@_files "${1#:}"
    else
        mapfile -t COMPREPLY < <(
            compgen -P "$prefix" -W "+$(nproc)" -- "$1"
            compgen -P "$prefix" -A hostname -- "$1"
        )
    fi
}
""",
    "files": """\
@NAME@_files() {
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -P "$prefix" -f -- "$1")
}
""",
}
"""Functions that are put in front where they are called; each calls only later ones."""


def bash(program: str, syntax: Syntax) -> str:
    """Return a completion for bash; it works with the package bash-completion and without."""
    cases = []
    for option in syntax.options:
        kind = kind_of(option)
        if not option.value or kind is Kind.TEXT:
            continue
        if kind is Kind.CHOICE:
            action = ""
            if any(choice.endswith("=") for choice in option.choices):
                action = "compopt -o nospace\n        "
            words = " ".join(option.choices)
            action += f'mapfile -t COMPREPLY < <(compgen -P "$prefix" -W \'{words}\' -- "$current")'
        else:
            action = _BASH_VALUES[kind]
        cases.append(f"    {' | '.join(option.spellings)})\n        {action}\n        ;;\n")
    with_value = [option for option in syntax.options if option.value]
    text = _BASH.replace("@CASES@", "".join(cases)).replace("@FREE@", _BASH_FREE[syntax.free])
    for function, definition in _BASH_FUNCTIONS.items():
        if f"@NAME@_{function} " in text:
            text = definition + "\n" + text
    return _fill(
        _BASH_HEAD + text,
        program,
        LONG=" ".join(f"--{option.long}" for option in with_value if option.long),
        LETTERS="".join(option.letter for option in with_value),
        OPTIONS=" ".join(name for option in syntax.options for name in option.spellings),
    )


# zsh

_ZSH_VALUES = {
    Kind.COMMAND: "_command_names -e",
    Kind.FILE: "_files",
    Kind.NODES: "@NAME@_nodes",
    Kind.TEXT: " ",
}

_ZSH_FREE = {
    "": (),
    "file": ("*:file:_files",),
    "command": ("(-)1:command:_command_names -e", "*::argument:_normal"),
}

_ZSH_NODES = """\
@NAME@_nodes() {
    if compset -P :; then
        _files
    else
        _alternative "counts:calculators on this machine:(+$(nproc))" 'hosts:host:_hosts'
    fi
}

"""


def zsh(program: str, syntax: Syntax) -> str:
    """Return a completion for zsh, a file for a directory of ``fpath``."""
    specs = [_zsh_spec(option) for option in syntax.options]
    specs += [shlex.quote(spec) for spec in _ZSH_FREE[syntax.free]]
    arguments = " \\\n    ".join(["_arguments -s -S -A '-*'", *specs])
    text = f"{arguments}\n"
    if "@NAME@_nodes" in text:
        text = _ZSH_NODES + text
    return _fill(f"#compdef @PROGRAM@\n# @ORIGIN@\n\n{text}", program)


def _zsh_spec(option: Option) -> str:
    """Return the specification of an option for ``_arguments``, quoted for the shell."""
    brief = option.brief.replace("\\", "\\\\")
    for special in "[]:":
        brief = brief.replace(special, "\\" + special)
    value = ""
    if option.value:
        kind = kind_of(option)
        if kind is Kind.CHOICE:
            suffix = " -S ''" if option.choices[0].endswith("=") else ""
            action = f"{{compadd{suffix} - {' '.join(option.choices)}}}"
        else:
            action = _ZSH_VALUES[kind]
        value = f":{option.value}:{action}"
    # Information excludes everything else; all others can be repeated.
    start = "(- *)" if option.name in {"-h", "-V"} else "*"
    return " \\\n    ".join(
        shlex.quote(start + spelling + _zsh_joint(option, spelling) + f"[{brief}]{value}")
        for spelling in option.spellings
    )


def _zsh_joint(option: Option, spelling: str) -> str:
    """Return the sign for a value that can stand in the same word or in the next."""
    if not option.value:
        return ""
    return "=" if spelling.startswith("--") else "+"


# fish

_FISH_VALUES = {
    Kind.COMMAND: "-x -a '(__fish_complete_command)'",
    Kind.FILE: "-r -F",
    Kind.NODES: "-x -a '+(nproc) (__fish_print_hostnames)'",
    Kind.TEXT: "-x",
}


def fish(program: str, syntax: Syntax) -> str:
    """Return a completion for fish."""
    lines = []
    if syntax.free == "command":
        with_value = [
            name for option in syntax.options if option.value for name in option.spellings
        ]
        words = " ".join(["__fish_complete_subcommand", *with_value])
        lines.append(f"complete -c @PROGRAM@ -x -a '({words})'")
    elif not syntax.free:
        lines.append("complete -c @PROGRAM@ -f")
    for option in syntax.options:
        parts = ["complete -c @PROGRAM@"]
        parts += [f"-s {option.letter}"] if option.letter else []
        parts += [f"-l {option.long}"] if option.long else []
        if option.choices:
            parts.append(f"-x -a {_fish_quote(' '.join(option.choices))}")
        elif option.value:
            parts.append(_FISH_VALUES[kind_of(option)])
        parts.append(f"-d {_fish_quote(option.brief)}")
        lines.append(" ".join(parts))
    head = "# fish completion for @PROGRAM@\n# @ORIGIN@\n\n"
    return _fill(head + "\n".join(lines) + "\n", program)


def _fish_quote(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _fill(template: str, program: str, **values: str) -> str:
    values |= {"PROGRAM": program, "NAME": identifier(program), "ORIGIN": ORIGIN}
    for name, value in values.items():
        template = template.replace(f"@{name}@", value)
    return template
