#include "word_filter/word_filter.hpp"

using loft::word_filter::WordFilter;
LOFT_PLUGIN(WordFilter, "interceptor.word_filter", "0.1.0", "Refuses messages that hold certain words, or masks them")
