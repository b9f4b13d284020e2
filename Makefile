# Trapframe: `make help` lists what can be made. CHAPTER=04 (or 04-returning)
# picks a chapter, the last one if nothing is said.

CHAPTERS := $(notdir $(patsubst %/Makefile,%,$(wildcard chapters/*/Makefile)))
CHAPTER  := $(lastword $(CHAPTERS))
FOUND    := $(filter $(CHAPTER) $(CHAPTER)-%,$(CHAPTERS))
ifeq ($(FOUND),)
$(error There is no chapter $(CHAPTER); there are: $(CHAPTERS))
endif
# Debian's packages are for its own python3, whatever else is in the PATH.
PYTHON   := $(firstword $(wildcard /usr/bin/python3) python3)

IN_CHAPTER = run debug screen serial iso break check diff

help:
	@echo 'make run        boot the last chapter; CHAPTER=01 boots that one'
	@echo 'make debug      boot it step by step, in GDB'
	@echo 'make screen     boot it and print its text screen'
	@echo 'make serial     boot it and print what it sends to its serial port'
	@echo 'make diff       what it changes in the kernel of the chapter before'
	@echo 'make break      boot it with one thing broken: BREAK=name'
	@echo 'make check      check your solution of an exercise: EXERCISE=name'
	@echo 'make iso        its image for a USB stick, for BIOS and UEFI'
	@echo 'make all        build every chapter'
	@echo 'make test       every test; CHAPTER=01 those of that chapter'
	@echo 'make soak       the last chapter under load, ten minutes; SECONDS=60'
	@echo 'make inject     NMIs at random instructions; POINTS=2000 SEED=5'
	@echo 'make mutants    plant mistakes in the chapters: do the tests see them?'
	@echo '                NAME=mask-inverted is one of them'
	@echo 'make fuzz       any input for what reads input; SECONDS=20 FUZZ=printf'
	@echo 'make lint       what analyzers have to say about all C'
	@echo 'make instrumented   every test in the kernel, with checks compiled in'
	@echo 'make matrix     boot every chapter everywhere; also build/matrix.tsv'
	@echo 'make bench      measure; a table, also in build/bench.tsv'
	@echo '                RECORD=1, for these two and mutants: as the book shows it'
	@echo 'make book       the website, in build/book/'
	@echo 'make serve      the same, at http://localhost:8000/, made again when a'
	@echo '                file changes; PORT=8080 takes another port'
	@echo 'make publish-check   can build/book/ be put on any web server as it is?'
	@echo 'make transcripts   run every command the book shows, keep the output'
	@echo 'make clean      remove what was made'
	@echo
	@echo 'Chapters: $(CHAPTERS)'

all: $(CHAPTERS:%=all-%)

all-%:
	@$(MAKE) --no-print-directory -C chapters/$*

$(IN_CHAPTER):
	@$(MAKE) --no-print-directory -C chapters/$(FOUND) $@

test: book
	@$(PYTHON) -m pytest --version >/dev/null 2>&1 || { \
	    echo "$(PYTHON) has no pytest: run ./setup --test." >&2; exit 2; }
	$(PYTHON) -m pytest -n 2 --dist loadgroup tests \
	    $(if $(filter command line,$(origin CHAPTER)),--chapter $(FOUND))

bench:
	@$(PYTHON) tests/bench/bench.py $(if $(RECORD),--record)

# Six compilations, BIOS and UEFI, CPUs, memory, media, another emulator.
matrix:
	@$(PYTHON) tests/matrix.py $(if $(RECORD),--record,$(if \
	    $(filter command line,$(origin CHAPTER)),$(FOUND)))

mutants:
	@$(PYTHON) tests/mutations.py $(if $(RECORD),--record) $(if $(filter \
	    command line,$(origin NAME)),--name $(NAME)) $(if $(filter \
	    command line,$(origin CHAPTER)),$(FOUND))

lint:
	@$(PYTHON) tests/lint.py

# Undefined behavior, the stack and the heap, by gcc, and by clang but for the heap.
instrumented:
	@$(PYTHON) tests/instrumented.py
	@$(PYTHON) tests/instrumented.py --clang

soak:
	@$(PYTHON) tests/soak.py $(if $(SECONDS),--seconds $(SECONDS)) \
	    $(if $(SEED),--seed $(SEED))

inject:
	@$(if $(POINTS),INJECT_POINTS=$(POINTS)) $(if $(SEED),INJECT_SEED=$(SEED)) \
	    $(PYTHON) -m pytest tests/test_injection.py

# Each harness for so many seconds, or the one that is named.
fuzz:
	@$(PYTHON) tests/fuzz.py $(if $(SECONDS),--seconds $(SECONDS)) $(FUZZ)

# Also the picture in the README.
transcripts:
	@$(PYTHON) tests/transcripts.py --refresh
	@$(MAKE) --no-print-directory book
	@cp build/book/screens/03-exceptions.png book/figures/screen.png

# On all processors, unless make was told how many jobs; each job's words together.
CORES = $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
JOBS  = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(CORES)) --output-sync

book:
	@$(MAKE) --no-print-directory $(JOBS) -C book

# Needs what ./setup --test installs.
publish-check: book
	@$(PYTHON) tests/publish.py

serve: book
	@$(PYTHON) book/serve.py $(PORT:%=--port %)

clean:
	rm -rf build $(CHAPTERS:%=chapters/%/build)

.PHONY: help all test bench matrix mutants soak inject fuzz instrumented lint \
        transcripts book publish-check serve clean $(IN_CHAPTER)
