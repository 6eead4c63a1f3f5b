// A move-only callable, because completion handlers own things that cannot be copied.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include <loft/error.hpp>

namespace loft {

template <class Signature>
class Function;

/// Like `std::function`, but move-only and with room for 48 bytes of captures before it allocates. Not thread-safe.
/// Calling an empty one is undefined.
template <class R, class... Args>
class Function<R(Args...)> {
 public:
  Function() noexcept = default;
  Function(std::nullptr_t) noexcept {}

  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, Function> &&
           std::is_invocable_r_v<R, std::remove_cvref_t<F>&, Args...>) Function(F&& callable) {
    using T = std::remove_cvref_t<F>;
    if constexpr (fits<T>) {
      ::new (static_cast<void*>(&storage_)) T(std::forward<F>(callable));
      ops_ = &inline_ops<T>;
    } else {
      *reinterpret_cast<T**>(&storage_) = new T(std::forward<F>(callable));
      ops_ = &heap_ops<T>;
    }
  }

  Function(Function&& other) noexcept { take(other); }
  Function& operator=(Function&& other) noexcept {
    if (this != &other) {
      reset();
      take(other);
    }
    return *this;
  }
  ~Function() { reset(); }

  explicit operator bool() const noexcept { return ops_ != nullptr; }

  R operator()(Args... args) { return ops_->call(&storage_, std::forward<Args>(args)...); }

 private:
  struct Ops {
    R (*call)(void*, Args&&...);
    void (*move)(void* to, void* from) noexcept;
    void (*destroy)(void*) noexcept;
  };

  template <class T>
  static constexpr bool fits = sizeof(T) <= 48 &&
                               alignof(T) <= alignof(std::max_align_t) && std::is_nothrow_move_constructible_v<T>;

  template <class T>
  static constexpr Ops inline_ops = {
      [](void* self, Args&&... args) -> R { return (*static_cast<T*>(self))(std::forward<Args>(args)...); },
      [](void* to, void* from) noexcept {
        ::new (to) T(std::move(*static_cast<T*>(from)));
        static_cast<T*>(from)->~T();
      },
      [](void* self) noexcept { static_cast<T*>(self)->~T(); }};

  template <class T>
  static constexpr Ops heap_ops = {
      [](void* self, Args&&... args) -> R { return (**static_cast<T**>(self))(std::forward<Args>(args)...); },
      [](void* to, void* from) noexcept { *static_cast<T**>(to) = *static_cast<T**>(from); },
      [](void* self) noexcept { delete *static_cast<T**>(self); }};

  void take(Function& other) noexcept {
    if (other.ops_ != nullptr) {
      other.ops_->move(&storage_, &other.storage_);
      ops_ = std::exchange(other.ops_, nullptr);
    }
  }
  void reset() noexcept {
    if (ops_ != nullptr) std::exchange(ops_, nullptr)->destroy(&storage_);
  }

  alignas(std::max_align_t) std::byte storage_[48];
  const Ops* ops_ = nullptr;
};

/// What an asynchronous call answers with. It is called once, on the thread that the declaration of the call names, or
/// destroyed without being called when the session or connection it belongs to has ended: capturing that session's own
/// object is therefore safe.
template <class T>
using Done = Function<void(Result<T>)>;

}  // namespace loft
