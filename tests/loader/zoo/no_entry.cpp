// A library, but not a plugin.
extern "C" int zoo_no_entry() { return 1; }
