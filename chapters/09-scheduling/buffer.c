// buffer.c: item number n is at n % size.

#include "buffer.h"

#include "heap.h"
#include "panic.h"

bool buffer_init(struct buffer *buffer, size_t size)
{
    assert(size > 0);
    *buffer = (struct buffer){
        .items = kcalloc(size, sizeof(void *)),
        .size  = size,
    };
    return buffer->items != NULL;
}

void buffer_destroy(struct buffer *buffer)
{
    kfree(buffer->items);
    buffer->items = NULL;
}

void buffer_put(struct buffer *buffer, void *item)
{
    mutex_lock(&buffer->mutex);
    while (buffer->put - buffer->taken == buffer->size)
        condition_wait(&buffer->not_full, &buffer->mutex);
    buffer->items[buffer->put++ % buffer->size] = item;
    condition_signal(&buffer->not_empty);
    mutex_unlock(&buffer->mutex);
}

void *buffer_get(struct buffer *buffer)
{
    void *item;

    mutex_lock(&buffer->mutex);
    while (buffer->put == buffer->taken)
        condition_wait(&buffer->not_empty, &buffer->mutex);
    item = buffer->items[buffer->taken++ % buffer->size];
    condition_signal(&buffer->not_full);
    mutex_unlock(&buffer->mutex);
    return item;
}
