// C++ new and delete: plain, array, sized, aligned, nothrow, failing; containers and strings.
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <vector>

#define expect(condition) ((condition) ? (void)0 : wrong(__LINE__, #condition))

static void wrong(int line, const char *condition)
{
    fprintf(stderr, "heap_new.cc:%d: wrong: %s\n", line, condition);
    exit(1);
}

template <size_t alignment> struct alignas(alignment) aligned {
    char bytes[3 * alignment];
};

template <size_t alignment> static void aligned_objects()
{
    for (int i = 0; i < 20; i++) {
        std::vector<aligned<alignment>> many(5);
        std::unique_ptr<aligned<alignment>> one(new aligned<alignment>());
        aligned<alignment> *row = new aligned<alignment>[7];
        memset(row, i, 7 * sizeof *row);
        expect((uintptr_t)many.data() % alignment == 0 && (uintptr_t)one.get() % alignment == 0);
        expect((uintptr_t)row % alignment == 0 && row[6].bytes[3 * alignment - 1] == i);
        many.resize(20);
        delete[] row;
    }
}

static int handled;

static void give_up()
{
    handled++;
    std::set_new_handler(nullptr);
}

static void failing()
{
    volatile size_t huge = std::numeric_limits<ptrdiff_t>::max();
    try {
        expect(operator new(huge) == nullptr);
    } catch (const std::bad_alloc &) {
        puts("new: bad_alloc");
    }
    try {
        expect(operator new(huge, std::align_val_t(4096)) == nullptr);
    } catch (const std::bad_alloc &) {
        puts("aligned new: bad_alloc");
    }
    std::set_new_handler(give_up);
    expect(operator new(huge, std::nothrow) == nullptr &&handled == 1);
    try {
        std::vector<char> too_large(huge);
    } catch (const std::exception &error) {
        puts(error.what());
    }
}

static void containers()
{
    std::map<std::string, std::vector<std::string>> all;
    for (int i = 0; i < 300; i++)
        for (int j = 0; j < 15; j++)
            all[std::to_string(i)].push_back(std::string(100 << j % 11, 'a' + i % 26));
    std::string text;
    for (const auto &[key, values] : all)
        for (const auto &value : values)
            text += value.substr(0, 5000);
    size_t sum = 0;
    for (char c : text)
        sum = sum * 31 + c;
    printf("%zu %zu\n", text.size(), sum);
}

int main()
{
    aligned_objects<32>();
    aligned_objects<4096>();
    aligned_objects<65536>();
    aligned_objects<1 << 20>();
    for (size_t nbytes = 1; nbytes < 9 << 20; nbytes = nbytes * 3 + 1) {
        char *p = (char *)operator new(nbytes), *q = (char *)operator new(nbytes, std::align_val_t(16384));
        memset(p, 1, nbytes);
        memset(q, 2, nbytes);
        expect((uintptr_t)q % 16384 == 0 && p[nbytes - 1] == 1);
        operator delete(p, nbytes);
        operator delete(q, nbytes, std::align_val_t(16384));
    }
    failing();
    std::thread first(containers);
    first.join();
    containers();
    puts("contents ok");
}
