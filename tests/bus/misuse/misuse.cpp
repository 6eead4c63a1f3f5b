// Compiled once per wrong use, with and without -DWRONG: with it, the compiler must refuse; without it, the right twin
// must pass, so that a case cannot fail for another reason.
#include <loft/bus.hpp>
#include <loft/events.hpp>

struct Asked : loft::Proposal {};
struct Happened : loft::Fact {};
struct Both : loft::Proposal, loft::Fact {};
struct Neither {};

#ifdef WRONG
#define PICK(wrong, right) wrong
#else
#define PICK(wrong, right) right
#endif

inline void use(loft::Bus& bus) {
  const auto pass = [](auto&) { return loft::Verdict::pass(); };
  const auto take_resume = [](Asked&, loft::Resume) {};
  static_cast<void>(pass), static_cast<void>(take_resume);
#if defined(INTERCEPT_A_FACT)
  bus.intercept<PICK(Happened, Asked)>(loft::Stage::check, pass);
#elif defined(OBSERVE_A_PROPOSAL)
  bus.observe<PICK(Asked, Happened)>([](const auto&) {});
#elif defined(PUBLISH_A_PROPOSAL)
  loft::Publisher<PICK(Asked, Happened)> publish(bus);
#elif defined(PROPOSE_A_FACT)
  loft::Proposer<PICK(Happened, Asked)> propose(bus);
#elif defined(EVENT_OF_BOTH_KINDS)
  bus.intercept<PICK(Both, Asked)>(loft::Stage::check, pass);
#elif defined(EVENT_OF_NO_KIND)
  bus.observe<PICK(Neither, Happened)>([](const auto&) {});
#elif defined(INTERCEPTOR_WITHOUT_VERDICT)
  bus.intercept<Asked>(loft::Stage::check, [](Asked&) PICK({}, { return loft::Verdict::pass(); }));
#elif defined(OBSERVER_THAT_CHANGES)
  bus.observe<Happened>([](PICK(, const) Happened&) {});
#elif defined(HANDLER_OF_ANOTHER_EVENT)
  bus.observe<Happened>([](const PICK(loft::StorageLost, Happened)&) {});
#elif defined(WAITING_WITHOUT_RESUME)
  bus.intercept_waiting<Asked>(loft::Stage::check, 100, PICK([](Asked&) {}, take_resume));
#elif defined(WAITING_WHERE_NONE_MAY)
  bus.intercept_waiting<PICK(loft::DeliverTo, Asked)>(loft::Stage::check, 100, [](auto&, loft::Resume) {});
#elif defined(WAITING_BEFORE_STORING)
  bus.intercept_waiting<PICK(loft::WriteToUser, Asked)>(loft::Stage::check, 100, [](auto&, loft::Resume) {});
#else
#error "no case is named"
#endif
}
