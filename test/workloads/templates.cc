// Input for the compiler: heavy standard headers and templates instantiated over and over.
// The program prints one number, so that the code it became can be run as well.
#include <algorithm>
#include <array>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <numeric>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

template <int N> struct Tag {
    std::array<int, N + 1> values{};
    bool operator<(const Tag &other) const { return values < other.values; }
};

template <int N> long use_containers() {
    std::map<Tag<N>, std::vector<Tag<N>>> table;
    std::set<std::pair<int, Tag<N>>> order;
    for (int i = 0; i < 5; i++) {
        Tag<N> tag;
        std::iota(tag.values.begin(), tag.values.end(), i);
        table[tag].push_back(tag);
        order.emplace(-i, tag);
    }
    std::function<long(long)> add = [&](long x) { return x + static_cast<long>(table.size() * order.size()); };
    auto shared = std::make_shared<std::tuple<int, Tag<N>, std::string>>(N, Tag<N>{}, std::to_string(N));
    std::variant<int, Tag<N>, std::string> v = std::get<2>(*shared);
    return add(std::visit([](auto &&x) { return static_cast<long>(sizeof x); }, v));
}

template <int... N> long use_all(std::integer_sequence<int, N...>) { return (use_containers<N>() + ...); }

int main() {
    std::unordered_map<std::string, int> seen;
    std::istringstream in("one two three one two");
    for (std::string s; in >> s;)
        seen[s]++;
    std::cout << use_all(std::make_integer_sequence<int, 4>{}) << ' ' << seen.size() << '\n';
}
