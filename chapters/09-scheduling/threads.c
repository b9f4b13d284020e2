// threads.c: who has the CPU, and who has it next.
//
// All of this is done with interrupts disabled, also the switch from
// one thread to another: the one that goes on enables them again, by
// the flags it has on its own stack.

#include "threads.h"

#include "heap.h"
#include "interrupts.h"
#include "panic.h"
#include "timer.h"

// switch.asm
void thread_switch(uint64_t **save, uint64_t *load);

static struct thread first = {
    .name     = "main",
    .state    = THREAD_RUNNING,
    .priority = PRIORITY_NORMAL,
    .own      = PRIORITY_NORMAL,
};

// Not static: GDB lists them.
struct thread *threads = &first;
struct thread *current = &first;

static struct thread *newest = &first;
static unsigned last_id;

static struct thread_queue ready;
static bool late;  // another thread should have the CPU
static bool idle;  // no thread is ready; the current one waits
static uint64_t idle_ticks;

static void put(struct thread_queue *queue, struct thread *thread)
{
    struct thread **last = &queue->last[thread->priority];

    thread->queue  = queue;
    thread->next   = NULL;
    thread->before = *last;
    *(*last ? &(*last)->next : &queue->first[thread->priority]) =
        thread;
    *last = thread;
}

static void take_out(struct thread *thread)
{
    struct thread_queue *queue = thread->queue;
    int priority               = thread->priority;

    *(thread->before ? &thread->before->next
                     : &queue->first[priority]) = thread->next;
    *(thread->next ? &thread->next->before : &queue->last[priority]) =
        thread->before;
    thread->queue = NULL;
}

int thread_queue_priority(const struct thread_queue *queue)
{
    int priority = PRIORITIES - 1;

    while (priority >= 0 && !queue->first[priority])
        priority--;
    return priority;
}

static struct thread *take_first(struct thread_queue *queue)
{
    int priority = thread_queue_priority(queue);
    struct thread *thread;

    if (priority < 0)
        return NULL;
    thread = queue->first[priority];
    take_out(thread);
    return thread;
}

// Until an interrupt makes a thread ready, the CPU halts, on the stack
// of the thread that ran last.
static struct thread *next_thread(void)
{
    struct thread *next;

    while (!(next = take_first(&ready))) {
        idle = true;
        interrupts_wait();
    }
    idle = false;
    return next;
}

// Runs another thread. Returns when the current one has its turn again,
// which may be at once.
static void run_next(void)
{
    struct thread *before = current, *next = next_thread();

    late        = false;
    next->state = THREAD_RUNNING;
    if (next == before)
        return;
    current = next;
    thread_switch(&before->stack_pointer, next->stack_pointer);
}

static void make_ready(struct thread *thread)
{
    thread->state = THREAD_READY;
    put(&ready, thread);
    if (thread->priority > current->priority)
        late = true;
}

static bool may_switch(uint64_t flags)
{
    return late && !idle && flags & RFLAGS_IF && !interrupts_handling();
}

static void let_others_run(void)
{
    make_ready(current);
    run_next();
}

void threads_restore(uint64_t flags)
{
    if (may_switch(flags))
        let_others_run();
    interrupts_restore(flags);
}

// The interrupted thread was not in a piece of code that no interrupt
// may come between, or there would be none.
void threads_preempt(void)
{
    if (may_switch(RFLAGS_IF))
        let_others_run();
}

static void assert_no_handler(void)
{
    if (interrupts_handling())
        panic("a handler of an interrupt cannot wait");
}

void thread_yield(void)
{
    uint64_t flags = interrupts_disable();

    assert_no_handler();
    let_others_run();
    interrupts_restore(flags);
}

void thread_wait(struct thread_queue *queue)
{
    assert_no_handler();
    current->state = THREAD_WAITING;
    put(queue, current);
    run_next();
}

struct thread *thread_wake(struct thread_queue *queue)
{
    struct thread *thread = take_first(queue);

    if (thread)
        make_ready(thread);
    return thread;
}

void thread_set_priority(struct thread *thread, enum priority priority)
{
    struct thread_queue *queue = thread->queue;

    if (queue)
        take_out(thread);
    thread->priority = priority;
    if (queue)
        put(queue, thread);
    if (thread_queue_priority(&ready) > (int)current->priority)
        late = true;
}

struct thread *thread_current(void)
{
    return current;
}

// Those who sleep, by the tick that wakes them: it is one in SLOTS of
// all that a tick has to look at.
enum { SLOTS = 64 };

static struct thread_queue sleeping[SLOTS];

void thread_sleep_until(uint64_t tick)
{
    uint64_t flags = interrupts_disable();

    current->wake_tick = tick;
    while (timer_ticks() < tick)
        thread_wait(&sleeping[tick % SLOTS]);
    interrupts_restore(flags);
}

static void wake_sleepers(uint64_t now)
{
    struct thread_queue *queue = &sleeping[now % SLOTS];

    for (int priority = 0; priority < PRIORITIES; priority++)
        for (struct thread *thread = queue->first[priority], *next;
             thread; thread        = next) {
            next = thread->next;
            if (thread->wake_tick == now) {
                take_out(thread);
                make_ready(thread);
            }
        }
}

void threads_tick(uint64_t now)
{
    if (idle)
        idle_ticks++;
    else
        current->ticks++;
    wake_sleepers(now);
    if (thread_queue_priority(&ready) >= (int)current->priority)
        late = true;
}

uint64_t threads_idle_ticks(void)
{
    return idle_ticks;
}

// Where a new thread begins: thread_switch returns to it.
static void begin(void)
{
    sti();
    current->function(current->argument);
    thread_exit();
}

// What thread_switch finds on a stack, and above it what would be the
// return address of begin.
struct start {
    uint64_t r15, r14, r13, r12, rbx, rbp;
    void (*begin)(void);
    uint64_t nowhere;
};

static void add(struct thread *thread)
{
    uint64_t flags = interrupts_disable();

    thread->id            = ++last_id;
    thread->thread_before = newest;
    newest->next_thread   = thread;
    newest                = thread;
    make_ready(thread);
    threads_restore(flags);
}

static uint64_t *prepare(char *stack)
{
    struct start *start = (struct start *)(stack + STACK_SIZE) - 1;

    *start = (struct start){.begin = begin};
    return (uint64_t *)start;
}

struct thread *thread_create(const char *name, enum priority priority,
                             void (*function)(void *argument),
                             void *argument)
{
    struct thread *thread = kmalloc(sizeof(*thread));
    char *stack           = kmalloc(STACK_SIZE);

    assert(priority <= PRIORITY_HIGH);
    if (!thread || !stack) {
        kfree(thread);
        kfree(stack);
        return NULL;
    }
    *thread = (struct thread){
        .stack_pointer = prepare(stack),
        .stack         = stack,
        .function      = function,
        .argument      = argument,
        .name          = name,
        .priority      = priority,
        .own           = priority,
    };
    add(thread);
    return thread;
}

_Noreturn void thread_exit(void)
{
    cli();
    if (current == &first)
        panic("the first thread cannot exit");
    if (current->held)
        panic("thread %u, %s, exits with a mutex locked", current->id,
              current->name);
    current->state = THREAD_EXITED;
    while (thread_wake(&current->joining))
        ;
    run_next();
    panic("thread %u goes on after its end", current->id);
}

static void forget(struct thread *thread)
{
    thread->thread_before->next_thread = thread->next_thread;
    if (thread->next_thread)
        thread->next_thread->thread_before = thread->thread_before;
    else
        newest = thread->thread_before;
}

// Its stack is not in use any more: somebody else runs, and it never
// will.
void thread_join(struct thread *thread)
{
    uint64_t flags = interrupts_disable();

    if (thread == current)
        panic("thread %u joins itself", thread->id);
    while (thread->state != THREAD_EXITED)
        thread_wait(&thread->joining);
    forget(thread);
    interrupts_restore(flags);
    kfree(thread->stack);
    kfree(thread);
}

bool thread_describe(unsigned id, struct thread_info *info)
{
    uint64_t flags              = interrupts_disable();
    const struct thread *thread = threads;

    while (thread && thread->id < id)
        thread = thread->next_thread;
    if (thread)
        *info = (struct thread_info){thread->name, thread->id,
                                     thread->state, thread->priority,
                                     thread->ticks};
    interrupts_restore(flags);
    return thread != NULL;
}

bool thread_overflows(virt_addr address)
{
    virt_addr stack = (virt_addr)current->stack;

    return address < stack && address >= stack - PAGE_SIZE;
}
