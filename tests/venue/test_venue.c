/* The servers as a program: prints where it listens, runs until its parent is gone, its standard
 * input (when that is a pipe) ends or the time is up, and exits with 1 when a client broke the
 * protocol. */
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "venue.h"

static volatile sig_atomic_t told_to_stop;
static const char *port_file;

static void on_signal(int number)
{
    (void)number;
    told_to_stop = 1;
}

static int usage(FILE *to)
{
    fputs("usage: test_venue --venue kraken|kraken-futures|delta|amberdata --dir DIR [options]\n"
          "  --port N            0: any free one\n"
          "  --seed N            of the market and of random faults\n"
          "  --script FILE       faults, see fault.h\n"
          "  --faults N          of 1000 REST requests get a random fault\n"
          "  --ws-faults N       of 1000 pushed messages too\n"
          "  --start UNIX_S      the venue's time; default the wall clock\n"
          "  --skew-ms N         added to the wall clock\n"
          "  --speed X           venue seconds a real second\n"
          "  --history-s N       of market before the start, default 3 days\n"
          "  --ahead-s N         and after it, default 1 day\n"
          "  --rate-scale X      times the venue's rate limits; negative: none\n"
          "  --late-every N      each n-th live trade is told late\n"
          "  --busy N            about so many trades a minute from the start on\n"
          "  --certificate FLAW  wrong-host, expired or other-ca: clients have to refuse it\n"
          "  --latency-ms N      before each REST reply\n"
          "  --api-key KEY       that Amberdata wants\n"
          "  --stop-after S, --seconds S   default 600\n"
          "the trading side:\n"
          "  --trade kraken|delta  the venue, with an account behind signed calls\n"
          "  --candles DIR|FILE  SYMBOL-15m.csv[.gz]: the path of the prices\n"
          "  --funding-ppm N     Delta: of a position's value, at 0, 8 and 16 UTC\n"
          "  --virtual-time      the clock is the newest signed timestamp\n"
          "  --manual            prices stand, but for POST /control/price?symbol=S&price=P\n"
          "  --key K --secret S  default WICKTESTKEY and the secret of the documentation\n"
          "  --cash X            of the quote currency, default 10000\n"
          "  --half-spread N     ticks, default 1; negative: none\n"
          "  --stops-hold        Kraken: waiting stops reserve their assets\n"
          "  --port-file FILE    the port goes there\n"
          "  --state-file FILE   the account's truth at the end; GET /control/state has it before\n"
          "prints: {\"port\":N,\"url\":...,\"ws_url\":...,\"ca_file\":...,\"pid\":N}\n",
          to);
    return to == stdout ? 0 : 2;
}

static int read_options(int argc, char **argv, venue_options *o, double *stop_after_s)
{
    static const struct option longs[] = {
        {"venue", 1, NULL, 'v'},       {"dir", 1, NULL, 'd'},
        {"port", 1, NULL, 'p'},        {"seed", 1, NULL, 's'},
        {"script", 1, NULL, 'f'},      {"faults", 1, NULL, 'r'},
        {"ws-faults", 1, NULL, 'w'},   {"start", 1, NULL, 't'},
        {"skew-ms", 1, NULL, 'k'},     {"speed", 1, NULL, 'x'},
        {"history-s", 1, NULL, 'h'},   {"rate-scale", 1, NULL, 'q'},
        {"late-every", 1, NULL, 'l'},  {"api-key", 1, NULL, 'a'},
        {"stop-after", 1, NULL, 'z'},  {"latency-ms", 1, NULL, 'y'},
        {"busy", 1, NULL, 'b'},        {"certificate", 1, NULL, 'c'},
        {"trade", 1, NULL, 'T'},       {"candles", 1, NULL, 'C'},
        {"funding-ppm", 1, NULL, 'u'}, {"virtual-time", 0, NULL, 'V'},
        {"manual", 0, NULL, 'M'},      {"key", 1, NULL, 'K'},
        {"secret", 1, NULL, 'S'},      {"cash", 1, NULL, 'H'},
        {"half-spread", 1, NULL, 'A'}, {"stops-hold", 0, NULL, 'O'},
        {"port-file", 1, NULL, 'P'},   {"ahead-s", 1, NULL, 'E'},
        {"state-file", 1, NULL, 'F'},  {"seconds", 1, NULL, 'z'},
        {"help", 0, NULL, '?'},        {0}};
    int c;
    while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        switch (c) {
        case 'v':
            o->venue = optarg;
            break;
        case 'd':
            o->dir = optarg;
            break;
        case 'p':
            o->port = atoi(optarg);
            break;
        case 's':
            o->seed = strtoull(optarg, NULL, 10);
            break;
        case 'f':
            o->script_file = optarg;
            break;
        case 'r':
            o->fault_permille = atoi(optarg);
            break;
        case 'w':
            o->ws_fault_permille = atoi(optarg);
            break;
        case 't':
            o->start_ns = strtoll(optarg, NULL, 10) * NS_A_SECOND;
            break;
        case 'k':
            o->skew_ns = strtoll(optarg, NULL, 10) * 1000000;
            break;
        case 'x':
            o->speed = strtod(optarg, NULL);
            break;
        case 'h':
            o->history_s = strtoll(optarg, NULL, 10);
            break;
        case 'E':
            o->ahead_s = strtoll(optarg, NULL, 10);
            break;
        case 'q':
            o->rate_scale = strtod(optarg, NULL);
            break;
        case 'l':
            o->late_every = atoi(optarg);
            break;
        case 'y':
            o->latency_ms = atoi(optarg);
            break;
        case 'b':
            o->busy = atoi(optarg);
            break;
        case 'c':
            o->certificate = optarg;
            break;
        case 'a':
            o->api_key = optarg;
            break;
        case 'z':
            *stop_after_s = strtod(optarg, NULL);
            break;
        case 'T':
            o->venue = optarg;
            o->trade = 1;
            break;
        case 'C':
            o->candles = optarg;
            break;
        case 'V':
            o->virtual_time = 1;
            break;
        case 'u':
            o->funding_ppm = atoll(optarg);
            break;
        case 'M':
            o->manual = 1;
            break;
        case 'K':
            o->trade_key = optarg;
            break;
        case 'S':
            o->trade_secret = optarg;
            break;
        case 'H':
            o->cash = optarg;
            break;
        case 'A':
            o->half_spread_ticks = atoi(optarg);
            break;
        case 'O':
            o->stops_hold = 1;
            break;
        case 'P':
            port_file = optarg;
            break;
        case 'F':
            o->state_file = optarg;
            break;
        default:
            return 0;
        }
    }
    return optind == argc && o->venue && o->dir;
}

int main(int argc, char **argv)
{
    venue_options options = {0};
    double stop_after_s = 600;
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return usage(stdout);
    if (!read_options(argc, argv, &options, &stop_after_s))
        return usage(stderr);
    pid_t parent = getppid();
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    char error[256];
    venue *v = venue_start(&options, error, sizeof error);
    if (!v) {
        fprintf(stderr, "test_venue: %s\n", error);
        return 2;
    }
    printf("{\"port\":%d,\"url\":\"%s\",\"ws_url\":\"%s\",\"ca_file\":\"%s\",\"pid\":%d}\n",
           venue_port(v), venue_url(v), venue_ws_url(v), venue_ca_file(v), (int)getpid());
    fflush(stdout);
    FILE *file = port_file ? fopen(port_file, "w") : NULL;
    if (file) {
        fprintf(file, "%d\n", venue_port(v));
        fclose(file);
    }
    struct stat in;
    int watch_input = fstat(0, &in) == 0 && S_ISFIFO(in.st_mode);
    for (double left = stop_after_s; left > 0 && !told_to_stop && getppid() == parent;
         left -= 0.1) {
        struct pollfd p = {.fd = 0, .events = POLLIN};
        char byte;
        if (watch_input && poll(&p, 1, 100) > 0 && read(0, &byte, 1) <= 0)
            break;
        if (!watch_input)
            poll(NULL, 0, 100);
    }
    size_t n;
    char *violations = venue_violations(v, &n);
    fputs(violations, stderr);
    free(violations);
    venue_stop(v);
    return n > 0;
}
