// Boost.JSON, compiled with the fuzzer's own flags.
#include <boost/json/src.hpp>
