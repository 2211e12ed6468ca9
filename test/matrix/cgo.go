package main

// Linked with the C library, so that there is a dynamic loader.

// #include <stdlib.h>
import "C"

func init() {
	for n := 1; n < 200; n++ {
		C.free(C.malloc(C.size_t(n * 3000)))
	}
}
