from emulated import build_folder, emulator, fake_cupy, sanitizer

__all__ = ["build_folder", "emulator", "fake_cupy", "sanitizer"]
