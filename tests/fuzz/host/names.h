// names.h: the kernel's functions that are called as the C library's
// get names of their own, so that both can be in one program.

#pragma once

#pragma redefine_extname memcpy kernel_memcpy
#pragma redefine_extname memmove kernel_memmove
#pragma redefine_extname memset kernel_memset
#pragma redefine_extname memcmp kernel_memcmp
#pragma redefine_extname strlen kernel_strlen
#pragma redefine_extname strnlen kernel_strnlen
#pragma redefine_extname strcmp kernel_strcmp
#pragma redefine_extname printf kernel_printf
#pragma redefine_extname vprintf kernel_vprintf
#pragma redefine_extname snprintf kernel_snprintf
#pragma redefine_extname vsnprintf kernel_vsnprintf
