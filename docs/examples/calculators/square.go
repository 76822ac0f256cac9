package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
)

func main() {
	tasks := bufio.NewScanner(os.Stdin)
	for tasks.Scan() {
		task, _ := strconv.Atoi(tasks.Text())
		fmt.Printf("%d\n\n", task*task) // result and end-of-task marker, not buffered
	}
}
