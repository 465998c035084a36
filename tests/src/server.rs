//! A server of one's own: real sockets on a free port, three people, a room and a group.
