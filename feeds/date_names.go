package feeds

import (
	"cmp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// dateRole says what a word may be in a date; some are several things: mar is
// March, and Tuesday in three languages.
type dateRole uint16

const (
	roleMonth dateRole = 1 << iota
	roleIdle           // a day of the week, or a word that says nothing
	roleZone
	roleMorning
	roleAfternoon
	roleYears // the word behind a number makes it a year, and so on
	roleMonths
	roleDays
	roleHours
	roleMinutes
	roleSeconds
)

type dateWord struct {
	role  dateRole
	month int // 1 to 12
	zone  int // minutes east of UTC
}

// monthNames are full names, in every case they stand in beside a day, and short
// ones. Case and diacritics do not matter, see foldDate.
var monthNames = [12]string{
	"january jan janvier janv januar jänner jän enero ene gennaio gen janeiro januari styczeń stycznia sty январь января янв Ιανουάριος Ιανουαρίου Ιαν január ocak oca",
	"february feb février févr fév februar feber febrero febbraio fevereiro fev februari luty lutego lut февраль февраля фев февр Φεβρουάριος Φεβρουαρίου Φεβ február februári şubat şub",
	"march mar mars märz mär mrz marzo março maart mrt marts marzec marca март марта мар Μάρτιος Μαρτίου Μαρ Μαώ március márc mart",
	"april apr avril avr abril abr aprile kwiecień kwietnia kwi апрель апреля апр Απρίλιος Απριλίου Απρ április ápr nisan nis",
	"may mai mayo maggio mag maio mei maj maja май мая Μάιος Μαΐου Μάι május máj máujus mayıs",
	"june jun juin juni junio giugno giu junho czerwiec czerwca cze июнь июня июн Ιούνιος Ιουνίου Ιούν Ιον június jún haziran haz",
	"july jul juillet juil juli julio luglio lug julho lipiec lipca lip июль июля июл Ιούλιος Ιουλίου Ιούλ Ιολ július júl temmuz tem",
	"august aug août aoû agosto ago augustus augusti sierpień sierpnia sie август августа авг Αύγουστος Αυγούστου Αύγ augusztus ağustos ağu",
	"september sept sep septembre septiembre setiembre settembre sett setembro set wrzesień września wrz сентябрь сентября сен сент Σεπτέμβριος Σεπτεμβρίου Σεπ Σεπτ szeptember szept eylül eyl",
	"october oct octobre oktober okt octubre ottobre ott outubro out październik października paź октябрь октября окт Οκτώβριος Οκτωβρίου Οκτ október ekim eki",
	"november nov novembre noviembre novembro listopad listopada lis ноябрь ноября ноя нояб Νοέμβριος Νοεμβρίου Νοέ kasım kas",
	"december dec décembre déc dezember dez diciembre dic dicembre dezembro desember des grudzień grudnia gru декабрь декабря дек Δεκέμβριος Δεκεμβρίου Δεκ aralık ara",
}

// idleWords are days of the week, and what people write between the parts.
var idleWords = []string{
	"sunday monday tuesday wednesday thursday friday saturday sun mon tue tues wed weds thu thur thurs fri sat",
	"sonntag montag dienstag mittwoch donnerstag freitag samstag sonnabend so mo di mi do fr sa",
	"dimanche lundi mardi mercredi jeudi vendredi samedi dim lun mar mer jeu ven sam",
	"domingo lunes martes miércoles jueves viernes sábado dom mié jue vie sáb",
	"domenica lunedì martedì mercoledì giovedì venerdì sabato gio sab",
	"segunda terça quarta quinta sexta feira seg ter qua qui sex",
	"zondag maandag dinsdag woensdag donderdag vrijdag zaterdag zo ma wo vr za",
	"niedziela poniedziałek wtorek środa czwartek piątek sobota niedz nie nd pon pn wto wt śro śr czw cz pią pt sob sb",
	"söndag måndag tisdag onsdag torsdag fredag lördag sön mån tis ons tors tor fre lör søndag mandag tirsdag lørdag søn man tir lør",
	"воскресенье понедельник вторник среда среду четверг пятница пятницу суббота субботу вс пн вт ср чт пт сб",
	"Κυριακή Δευτέρα Τρίτη Τετάρτη Πέμπτη Παρασκευή Σάββατο Κυρ Δευ Τρι Τετ Πεμ Παρ Σαβ",
	"vasárnap hétfő kedd szerda csütörtök péntek szombat",
	"pazar pazartesi salı çarşamba perşembe cuma cumartesi paz pzt sal çar per cum cmt",
	"日曜日 月曜日 火曜日 水曜日 木曜日 金曜日 土曜日 星期日 星期天 星期一 星期二 星期三 星期四 星期五 星期六 周日 周一 周二 周三 周四 周五 周六",
	"일요일 월요일 화요일 수요일 목요일 금요일 토요일",
	"st nd rd th er re of the at on um uhr de del den der le la las el al as kl op om hrs в во г года godz στις",
}

// zoneNames are read as feeds mean them: BST is British, IST is Indian, CST is
// American. ET and its like, which change with the season, are standard time.
var zoneNames = map[int]string{
	0: "UT GMT UTC Z WET", 60: "CET BST WEST MEZ MET WAT", 120: "CEST EET MESZ SAST CAT", 180: "EEST MSK EAT TRT",
	240: "MSD GST", 300: "PKT UZT YEKT", 330: "IST", 345: "NPT", 360: "ALMT", 390: "MMT", 420: "ICT WIB",
	480: "SGT HKT PHT AWST MYT WITA", 540: "JST KST WIT", 570: "ACST", 600: "AEST", 630: "ACDT", 660: "AEDT", 720: "NZST", 780: "NZDT",
	-120: "BRST", -150: "NDT", -180: "BRT ART ADT CLST UYT", -210: "NST", -240: "EDT AST CLT BOT", -300: "EST CDT COT PET ET",
	-360: "CST MDT CT", -420: "MST PDT MT", -480: "PST AKDT PT", -540: "AKST HADT", -600: "HST HAST",
}

var otherWords = map[dateRole]string{
	roleMorning: "am 午前 上午 오전", roleAfternoon: "pm 午後 下午 오후",
	roleYears: "年 년", roleMonths: "月 월", roleDays: "日 号 일", roleHours: "時 时 点 點 시", roleMinutes: "分 분", roleSeconds: "秒 초",
}

// dateWords is every name above under its folded form.
var dateWords = sync.OnceValue(func() map[string]dateWord {
	words := make(map[string]dateWord, 800)
	add := func(names string, w dateWord) {
		for _, name := range strings.Fields(foldDate(names)) {
			have := words[name]
			words[name] = dateWord{have.role | w.role, cmp.Or(have.month, w.month), cmp.Or(have.zone, w.zone)}
		}
	}
	for m, names := range monthNames {
		add(names, dateWord{role: roleMonth, month: m + 1})
	}
	for _, names := range idleWords {
		add(names, dateWord{role: roleIdle})
	}
	for minutes, names := range zoneNames {
		add(names, dateWord{role: roleZone, zone: minutes})
	}
	for role, names := range otherWords {
		add(names, dateWord{role: role})
	}
	return words
})

// foldDate makes s plain: in lower case, without diacritics, with the digits and
// the punctuation of ASCII for those of full width, and every space and hyphen
// the usual one.
func foldDate(s string) string {
	var b strings.Builder
	for _, c := range norm.NFKD.String(s) {
		switch {
		case unicode.In(c, unicode.Mn, unicode.Cf):
		case unicode.IsSpace(c):
			b.WriteByte(' ')
		case c == '−', unicode.Is(unicode.Pd, c):
			b.WriteByte('-')
		case c >= 0x80 && unicode.Is(unicode.Po, c):
			b.WriteByte(',')
		default:
			b.WriteRune(foldLetter(unicode.ToLower(c)))
		}
	}
	return norm.NFC.String(b.String()) // Hangul was taken apart, too
}

// foldLetter is for letters that are not made of a letter and a mark.
func foldLetter(c rune) rune {
	switch c {
	case 'ı':
		return 'i'
	case 'ł':
		return 'l'
	case 'ø':
		return 'o'
	case 'ς':
		return 'σ'
	}
	return c
}

// word reads a name or a word that may stand in a date; a word that may not
// makes it none.
func (r *dateReader) word() bool {
	start := r.pos
	w := r.name()
	n := r.pos - start
	switch {
	case n == 1:
		return r.letter(r.s[start] | 0x20)
	case w.role&roleZone != 0 && (r.clock || w.role == roleZone):
		if !r.zoned {
			r.offset, r.zoned = w.zone*60, true
		}
	case w.role&(roleMorning|roleAfternoon) != 0:
		if w.role == roleAfternoon || r.clock || r.day > 0 { // am 5. Januar is German
			r.half = w.role
		}
	case w.role&roleMonth != 0:
		return r.named(w)
	case w.role&roleIdle != 0:
	case w.role == 0:
		return r.stranger(start, n)
	default:
		return false
	}
	return true
}

// named takes the name of a month; where that is a day of the week, too, only
// until a better one is found.
func (r *dateReader) named(w dateWord) bool {
	idle := w.role&roleIdle != 0
	if r.month != 0 && !r.unsure {
		return idle
	}
	r.month, r.unsure, r.dateEnd = w.month, idle, r.pos
	return true
}

// stranger decides about a word that is in no list.
func (r *dateReader) stranger(start, n int) bool {
	if start == 0 && n > 1 && r.at(0) == ',' {
		return true // a day of the week in another language
	}
	// RFC 5322 §4.3: a zone that nobody knows is as good as none.
	if n > 5 || !r.clock || r.unknown || r.s[start] >= 0x80 {
		return false
	}
	r.unknown = true
	return true
}

// letter reads a word of one: T, Z, a.m., a military zone, or the a in «5 mayo
// 2024 a las 9:15».
func (r *dateReader) letter(c byte) bool {
	if r.clock && (c == 'a' || c == 'p') {
		end := r.pos
		for end < len(r.s) && (r.s[end] == '.' || r.s[end] == ' ') {
			end++
		}
		if end < len(r.s) && r.s[end]|0x20 == 'm' && (end+1 == len(r.s) || !isLetter(r.s[end+1])) {
			r.pos, r.half = end+1, roleMorning
			if c == 'p' {
				r.half = roleAfternoon
			}
			return true
		}
	}
	switch {
	case c == 'z':
		r.zoned = true
	case r.clock:
		// RFC 5322 §4.3: RFC 822 had the signs of the military zones wrong, so
		// that none of them means anything.
		if r.unknown {
			return false
		}
		r.unknown = true
	default:
		return strings.IndexByte("taoeh", c) >= 0
	}
	return true
}

// name reads a word and looks it up.
func (r *dateReader) name() dateWord {
	if r.folded {
		return r.foldedName()
	}
	var lower [16]byte
	start := r.pos
	for ; isLetter(r.at(0)); r.pos++ {
		if n := r.pos - start; n < len(lower) {
			lower[n] = r.s[r.pos] | 0x20
		}
	}
	n := r.pos - start
	if n < 2 || n > len(lower) {
		return dateWord{}
	}
	if n == 3 {
		if w := english([3]byte(lower[:])); w.role != 0 {
			return w
		}
	}
	return dateWords()[string(lower[:n])]
}

// english knows the words of RFC 5322, which nearly every date is made of, twice
// as fast as the map does. It leaves out mar, which is a Tuesday, too.
func english(name [3]byte) dateWord {
	switch string(name[:]) {
	case "sun", "mon", "tue", "wed", "thu", "fri", "sat":
		return dateWord{role: roleIdle}
	case "gmt":
		return dateWord{role: roleZone}
	case "jan":
		return dateWord{role: roleMonth, month: 1}
	case "feb":
		return dateWord{role: roleMonth, month: 2}
	case "apr":
		return dateWord{role: roleMonth, month: 4}
	case "may":
		return dateWord{role: roleMonth, month: 5}
	case "jun":
		return dateWord{role: roleMonth, month: 6}
	case "jul":
		return dateWord{role: roleMonth, month: 7}
	case "aug":
		return dateWord{role: roleMonth, month: 8}
	case "sep":
		return dateWord{role: roleMonth, month: 9}
	case "oct":
		return dateWord{role: roleMonth, month: 10}
	case "nov":
		return dateWord{role: roleMonth, month: 11}
	case "dec":
		return dateWord{role: roleMonth, month: 12}
	}
	return dateWord{}
}

// longestUnspaced is how many bytes a name has at most in the scripts that
// foldedName takes apart: three characters of three bytes.
const longestUnspaced = 9

// foldedName takes the longest known word in scripts that put no spaces between
// them, all letters in others.
func (r *dateReader) foldedName() dateWord {
	rest := r.s[r.pos:]
	if c, _ := utf8.DecodeRuneInString(rest); c >= 0x2E80 {
		end := 0
		var found dateWord
		for i := range rest {
			if i > longestUnspaced {
				break
			}
			if w, ok := dateWords()[rest[:i]]; ok {
				found, end = w, i
			}
		}
		if w, ok := dateWords()[rest]; ok {
			found, end = w, len(rest)
		}
		r.pos += end
		return found
	}
	end := strings.IndexFunc(rest, func(c rune) bool { return !unicode.IsLetter(c) })
	if end < 0 {
		end = len(rest)
	}
	r.pos += end
	return dateWords()[rest[:end]]
}

// counted reads a number whose unit stands behind it, 2004年 or 5 월, and says
// whether there was one, and whether it fits.
func (r *dateReader) counted(v, n int) (done, ok bool) {
	start := r.pos
	if r.at(0) == ' ' {
		r.pos++
	}
	into, most := r.slot(r.foldedName().role)
	if into == nil {
		r.pos = start
		return false, false
	}
	if most == 9999 {
		v = fullYear(v, n)
	}
	if *into != 0 || v > most {
		return true, false
	}
	*into, r.dateEnd = v, r.pos
	return true, true
}

// slot is where a number with a unit belongs, and the most it can be.
func (r *dateReader) slot(unit dateRole) (into *int, most int) {
	switch unit {
	case roleYears:
		return &r.year, 9999
	case roleMonths:
		return &r.month, 12
	case roleDays:
		return &r.day, 31
	case roleHours:
		r.clock = true
		return &r.hour, 24
	case roleMinutes:
		return &r.minute, 59
	case roleSeconds:
		return &r.second, 59
	}
	return nil, 0
}
