// Stands in for ankerl::unordered_dense, which Debian 12 does not package: the names that
// mediasoup-worker uses, over the standard library's containers.
#pragma once
#include <functional>
#include <unordered_map>
#include <unordered_set>

namespace ankerl::unordered_dense
{
	template<class T>
	struct hash : std::hash<T> {};

	template<class Key, class Value, class Hash = hash<Key>, class Equal = std::equal_to<Key>>
	using map = std::unordered_map<Key, Value, Hash, Equal>;

	template<class Key, class Hash = hash<Key>, class Equal = std::equal_to<Key>>
	using set = std::unordered_set<Key, Hash, Equal>;
}
