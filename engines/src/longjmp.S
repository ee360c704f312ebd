# The tag under which setjmp and longjmp of C throw and catch.
	.globl __c_longjmp
	.tagtype __c_longjmp i32
__c_longjmp:
