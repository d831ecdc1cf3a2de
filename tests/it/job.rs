//! A clean group goes by one IoT Central job; a group that changes meanwhile is accounted for.
