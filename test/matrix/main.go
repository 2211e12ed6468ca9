package main

import (
	"crypto/sha256"
	"fmt"
)

func work(seed int, out chan [32]byte) {
	text := []byte{}
	for round := 0; round < 5; round++ {
		table := map[int]string{}
		for i := 0; i < 20000; i++ {
			table[i] = fmt.Sprint(i*seed, round)
		}
		for i := 0; i < 20000; i++ {
			text = append(text, table[i]...)
		}
	}
	out <- sha256.Sum256(text)
}

func main() {
	for seed := 1; seed < 4; seed++ {
		out := make(chan [32]byte)
		go work(seed, out)
		fmt.Printf("%x\n", <-out)
	}
	leave(3)
}
