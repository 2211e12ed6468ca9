/* Blocks that libc itself allocates for the program, which frees them, and the other way round. */
#include "heap.h"

static char *text(size_t length)
{
    char *p = block(length + 1);
    memset(p, 'x', length);
    p[length] = '\0';
    return p;
}

static int compare(const void *a, const void *b)
{
    return *(const size_t *)a < *(const size_t *)b ? -1 : *(const size_t *)a > *(const size_t *)b;
}

int main(void)
{
    static const size_t lengths[] = {10, PAGE - 1, 20 * PAGE, MB, 3 * MB};
    for (size_t i = 0; i < COUNT(lengths); i++) {
        size_t length = lengths[i], size = 0;
        char *p = text(length), *q = strdup(p), *printed, *line = NULL;
        expect(strcmp(p, q) == 0);
        free(q);
        expect(asprintf(&printed, "<%s>", p) == (int)length + 2);
        expect(strncmp(printed + 1, p, length) == 0);

        /* A stream with our buffer, its own growing one, and getline's in an old block. */
        FILE *stream = open_memstream(&line, &size);
        expect(fputs(printed, stream) >= 0 && fclose(stream) == 0 && size == length + 2);
        expect(strcmp(line, printed) == 0);
        stream = fmemopen(printed, length + 2, "r");
        expect(setvbuf(stream, p, _IOFBF, length) == 0);
        size = 8;
        line = realloc(line, size);
        expect(getline(&line, &size, stream) == (ssize_t)length + 2);
        fclose(stream);
        expect(strcmp(line, printed) == 0);
        free(line);
        free(printed);
        free(p);
    }

    FILE *file = tmpfile();
    char *buffer = block(MB);
    expect(setvbuf(file, buffer, _IOFBF, MB) == 0);
    for (size_t i = 0; i < 300000; i++)
        fprintf(file, "%zu ", i);
    printf("written: %ld\n", ftell(file));
    fclose(file);
    free(buffer);

    char *directory = getcwd(NULL, SERVED_FROM), *path = realpath("/usr/../usr/lib", NULL);
    expect(directory != NULL && path != NULL);
    expect_served(directory, SERVED_FROM);
    puts(path);
    free(directory);
    free(path);
    for (size_t i = 0; i < 100; i++) {
        char name[40], *value = text(MB / 8);
        snprintf(name, sizeof name, "VARIABLE_%zu", i % 10);
        expect(setenv(name, value, 1) == 0 && strcmp(getenv(name), value) == 0);
        free(value);
    }
    size_t *numbers = (size_t *)block(3 * MB);
    for (size_t i = 0; i < 3 * MB / sizeof *numbers; i++)
        numbers[i] = i * 7919 % 10007;
    qsort(numbers, 3 * MB / sizeof *numbers, sizeof *numbers, compare);
    expect(numbers[0] == 0 && numbers[3 * MB / sizeof *numbers - 1] == 10006);
    free(numbers);
    puts("contents ok");
}
